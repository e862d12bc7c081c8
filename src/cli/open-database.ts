import type { Database } from '../database/index.ts';
import type { CliContext } from './context.ts';

/** The home's own database, or the PostgreSQL that `$HERAKLIT_DATABASE` names. @throws DATABASE_IN_USE, … */
export async function openHomeDatabase(context: CliContext): Promise<Database> {
  const { openDatabase } = await import('../database/index.ts');
  const url = process.env.HERAKLIT_DATABASE;
  return openDatabase(
    url === undefined || url === ''
      ? { kind: 'embedded', directory: context.home.database }
      : { kind: 'postgresql', url },
  );
}
