import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type Clock, systemClock } from '../base/index.ts';
import { type DatabaseTransaction, plannedOnce, unnest } from '../database/index.ts';

/** `pg_notify` channel: something new is in the outbox. */
export const OUTBOX_CHANNEL = 'heraklit_outbox';

/** Held until commit: numbers are given out in the order transactions become visible, so a reader misses none. */
export const OUTBOX_LOCK = 4_372_002;

/** `io.heraklit.` + routing key without namespace. */
export type EventType = `io.heraklit.${string}`;

export interface NewEvent {
  readonly type: EventType;
  /** Image reference, repository id or run id the event is about. */
  readonly subject: string;
  readonly data: object;
  /**
   * What makes this event the same one when a step runs again: content digests, not times or random ids.
   * Type and key together give the id.
   */
  readonly key: string;
}

/** Same type and key → same id, in any process and any home. */
export function eventId(type: EventType, key: string): string {
  return createHash('sha256').update(`${type}\n${key}`).digest('hex').slice(0, 32);
}

/**
 * Writes events into the caller's transaction: they exist exactly when the state they announce does.
 * An event that is there already (same type and key), or was until retention removed it, is left alone.
 * @returns how many were new
 */
export async function emit(
  trx: DatabaseTransaction,
  events: NewEvent | readonly NewEvent[],
  clock: Clock = systemClock,
): Promise<number> {
  const time = new Date(clock.now()).toISOString();
  const rows = (Array.isArray(events) ? (events as readonly NewEvent[]) : [events as NewEvent]).map((event) => ({
    id: eventId(event.type, event.key),
    type: event.type,
    subject: event.subject,
    time,
    data: JSON.stringify(event.data),
  }));
  if (rows.length === 0) return 0;
  const columns = { id: 'text', type: 'text', subject: 'text', time: 'timestamptz', data: 'text' } as const;
  // Its own statement: the next one must see what was committed, and pruned, before the lock was given.
  await sql`${plannedOnce} select pg_advisory_xact_lock(${OUTBOX_LOCK})`.execute(trx);
  const { rows: written } = await sql<{ count: number }>`${plannedOnce}
    with written as (
      insert into outbox (id, type, subject, time, data)
      select id, type, subject, time, data
      from ${unnest(rows, columns)} with ordinality as fresh (id, type, subject, time, data, place)
      where not exists (select from outbox_pruned where outbox_pruned.id = fresh.id)
      order by place on conflict (id) do nothing returning 1
    )
    select count, case when count > 0 then pg_notify(${OUTBOX_CHANNEL}, '')::text end as told
    from (select count(*)::integer as count from written) as counted`.execute(trx);
  return written[0]?.count ?? 0;
}
