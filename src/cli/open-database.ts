import type { Database } from '../database/index.ts';
import type { CliContext } from './context.ts';

/**
 * The home's own database, or the PostgreSQL that `$HERAKLIT_DATABASE` names.
 * @param options `thread`: the home's own runs beside the event loop, as a server wants it
 * @throws DATABASE_IN_USE, …
 */
export async function openHomeDatabase(
  context: CliContext,
  options: { readonly thread?: boolean } = {},
): Promise<Database> {
  const { openDatabase } = await import('../database/index.ts');
  const url = process.env.HERAKLIT_DATABASE;
  return openDatabase(
    url === undefined || url === ''
      ? { kind: 'embedded', directory: context.home.database, ...options }
      : { kind: 'postgresql', url },
  );
}
