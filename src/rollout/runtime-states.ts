import type { Database, DatabaseReader } from '../database/index.ts';
import type { RuntimeState } from '../runtime/index.ts';

/** A runtime as a server found it last; times are milliseconds since the epoch. */
export interface KnownRuntime extends RuntimeState {
  readonly seen: number;
}

/** Milliseconds after which nobody keeps a state any more. */
const FORGOTTEN = 15 * 60_000;

const time = (at: number | undefined): Date | null => (at === undefined ? null : new Date(at));

/** Last one wins: several servers reach the same runtimes. */
export async function keepRuntimeState(database: Database, state: RuntimeState, seen: number): Promise<void> {
  const { name, reason, since, retry } = state;
  const row = { state: state.state, reason, since: new Date(since), retry: time(retry), seen: new Date(seen) };
  await database.kysely
    .insertInto('runtime_state')
    .values({ name, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute();
}

/** Those that a server looks at now, by name. */
export async function runtimeStates(reader: DatabaseReader, now: number): Promise<readonly KnownRuntime[]> {
  const rows = await reader
    .selectFrom('runtime_state')
    .selectAll()
    .where('seen', '>', new Date(now - FORGOTTEN))
    .orderBy('name')
    .execute();
  return rows.map(({ since, retry, seen, ...row }) => ({
    ...{ name: row.name, state: row.state as RuntimeState['state'], reason: row.reason },
    ...{ since: since.getTime(), retry: retry?.getTime(), seen: seen.getTime() },
  }));
}
