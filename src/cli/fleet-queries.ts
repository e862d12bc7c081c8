import type { FleetQueries } from '../http/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';
import { openFleetAccess } from './fleet-access.ts';

/**
 * Asks the home's own database, or the server that holds it, the same questions.
 * @throws DATABASE_IN_USE when another process holds the home and serves nothing; what `ask` throws
 */
export async function askFleet<T>(context: CliContext, ask: (queries: FleetQueries) => Promise<T>): Promise<T> {
  const access = await openFleetAccess(context);
  if (access.kind === 'server') return ask(access.server);
  try {
    const { databaseQueries } = await import('../http/index.ts');
    const inspect = async (): Promise<never> => {
      throw cliError('CLI_USAGE', 'the database does not keep layers and files of an image');
    };
    return await ask(databaseQueries({ database: access.database, inspect }));
  } finally {
    await access.database.close();
  }
}
