import type { FleetQueries, Hosts } from '../http/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';
import { openFleetAccess } from './fleet-access.ts';
import { readServeFile } from './serve-file.ts';

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

/** Every host that reported, from the home's own database or the server that holds it. */
export async function askHosts(context: CliContext): Promise<Hosts['hosts']> {
  const access = await openFleetAccess(context);
  const { createRemoteHosts, databaseHostReports } = await import('../http/index.ts');
  const hosts: Hosts['hosts'][number][] = [];
  try {
    const serving = access.kind === 'server' ? await readServeFile(context.home) : undefined;
    const remote = serving === undefined ? undefined : createRemoteHosts(serving.url, serving.key, context.signal);
    const own = access.kind === 'database' ? databaseHostReports(access.database) : undefined;
    for (let after: string | null | undefined; after !== null; ) {
      const query = after === undefined ? {} : { after };
      const page = await (own?.hosts(query) ?? remote?.hosts(after));
      hosts.push(...(page?.hosts ?? []));
      after = page?.next ?? null;
    }
    return hosts;
  } finally {
    if (access.kind === 'database') await access.database.close();
  }
}
