import { sql } from 'kysely';
import type { Database } from '../database/index.ts';
import { OUTBOX_LOCK } from './outbox.ts';

export interface PruneOptions {
  /** Events from before this time may go. */
  readonly olderThan: Date;
  /** Events removed in one transaction. Default 5,000: who wants to announce something waits no longer than for these. */
  readonly batch?: number;
  readonly signal?: AbortSignal;
}

/** Days that events are kept when nobody says otherwise. */
export const DEFAULT_RETENTION_DAYS = 90;

/**
 * Removes old events that every sink has taken; one that a sink still lacks stays, however old, as does all after it. A
 * sink that is no longer configured holds its place until its row in outbox_cursor is deleted. Ids stay known, so nothing
 * is announced a second time.
 * @returns how many were removed
 */
export async function pruneOutbox(database: Database, options: PruneOptions): Promise<number> {
  const { olderThan, batch = 5_000, signal } = options;
  for (let total = 0; ; ) {
    signal?.throwIfAborted();
    const count = await database.transaction(async (trx) => {
      // With `emit`: an id must not be seen as neither there nor pruned.
      await sql`select pg_advisory_xact_lock(${OUTBOX_LOCK})`.execute(trx);
      const { numAffectedRows } = await sql`with gone as (
          delete from outbox where sequence in (
            select sequence from outbox where time < ${olderThan.toISOString()}::timestamptz
              and not exists (select from outbox_cursor where outbox_cursor.sequence < outbox.sequence)
            order by time limit ${batch})
          returning id)
        insert into outbox_pruned (id) select id from gone on conflict (id) do nothing`.execute(trx);
      return Number(numAffectedRows ?? 0);
    });
    total += count;
    if (count < batch) return total;
  }
}
