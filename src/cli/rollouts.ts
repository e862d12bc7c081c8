import { isHeraklitError } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { RolloutActor, Rollouts } from '../http/index.ts';
import type { CliContext } from './context.ts';
import { fleetFile } from './fleet-setup.ts';
import { loadFleetAndSources } from './fleet-sources.ts';
import { openHomeDatabase } from './open-database.ts';
import { readServeFile } from './serve-file.ts';

/** Whoever works on the home itself. */
export const OWNER: RolloutActor = { name: 'owner', owner: true };

/** Rollouts of the home: of its database, or of the server that holds it. */
export interface OpenRollouts {
  readonly rollouts: Rollouts;
  /** Undefined: a server has it, and carries rollouts on by itself. */
  readonly database: Database | undefined;
  readonly fleet: LoadedFleet | undefined;
}

/**
 * @param named fleet file; the one of this folder where there is one, when undefined
 * @throws DATABASE_IN_USE when another process holds the home and serves nothing
 */
export async function withRollouts<T>(
  context: CliContext,
  named: string | undefined,
  work: (open: OpenRollouts) => Promise<T>,
  /** `host:port` of our registry as workloads name it, where it is known. */
  registry?: string,
): Promise<T> {
  const http = await import('../http/index.ts');
  let database: Database;
  try {
    database = await openHomeDatabase(context);
  } catch (error) {
    const serving = isHeraklitError(error, 'DATABASE_IN_USE') ? await readServeFile(context.home) : undefined;
    if (serving === undefined) throw error;
    const rollouts = http.createRemoteRollouts(serving.url, serving.key);
    return await work({ rollouts, database: undefined, fleet: undefined });
  }
  try {
    const { createSqlCatalogue } = await import('../registry/index.ts');
    const fleet = await fleetFor(context, named);
    const known = fleet === undefined ? {} : { fleet: { name: fleet.fleet.name, document: fleet.document } };
    const host = registry === undefined ? {} : { registryHost: () => registry };
    const rollouts = http.databaseRollouts({ database, catalogue: createSqlCatalogue(database), ...known, ...host });
    return await work({ rollouts, database, fleet });
  } finally {
    await database.close();
  }
}

async function fleetFor(context: CliContext, named: string | undefined): Promise<LoadedFleet | undefined> {
  try {
    return await loadFleetAndSources(fleetFile(named), context, { offline: true });
  } catch (error) {
    if (named === undefined && isHeraklitError(error, 'RECIPE_UNREADABLE')) return undefined;
    throw error;
  }
}
