import { sql } from 'kysely';
import type { Database } from '../database/index.ts';

/** Milliseconds a relay may be silent before another process delivers in its place. */
export const LEASE_MS = 30_000;

/** A sink's position in the outbox: `undefined` from `claim` while another living relay serves the sink. */
export interface Cursor {
  claim(): Promise<number | undefined>;
  /** False when the lease went to another relay meanwhile. */
  advance(sequence: number): Promise<boolean>;
  release(): Promise<void>;
}

/** The position survives in the database; one holder at a time keeps the order across processes. */
export function storedCursor(database: Database, sink: string, holder: string): Cursor {
  // An embedded database has one process: whoever held the lease before us is dead.
  const takeover = database.kind === 'embedded';
  const until = sql<Date>`now() + ${LEASE_MS} * interval '1 millisecond'`;
  return {
    async claim() {
      const { rows } = await sql<{ sequence: number }>`
        insert into outbox_cursor (sink, sequence, holder, lease_until) values (${sink}, 0, ${holder}, ${until})
        on conflict (sink) do update set holder = ${holder}, lease_until = ${until}
          where outbox_cursor.holder = ${holder} or outbox_cursor.lease_until < now() or ${takeover}
        returning sequence`.execute(database.kysely);
      return rows[0]?.sequence;
    },
    async advance(sequence) {
      const { rows } = await sql`update outbox_cursor set sequence = ${sequence}, lease_until = ${until}
        where sink = ${sink} and holder = ${holder} returning sink`.execute(database.kysely);
      return rows.length === 1;
    },
    async release() {
      await sql`update outbox_cursor set lease_until = now() - interval '1 second'
        where sink = ${sink} and holder = ${holder}`.execute(database.kysely);
    },
  };
}

/** The end of the outbox at the first claim, then in memory. */
export function ephemeralCursor(database: Database): Cursor {
  let position: number | undefined;
  return {
    async claim() {
      position ??= await lastSequence(database);
      return position;
    },
    async advance(sequence) {
      position = sequence;
      return true;
    },
    async release() {},
  };
}

/** Sequence of the newest committed event, 0 when there is none. */
export async function lastSequence(database: Database): Promise<number> {
  const row = await database.kysely
    .selectFrom('outbox')
    .select((expression) => expression.fn.max('sequence').as('last'))
    .executeTakeFirst();
  return Number(row?.last ?? 0);
}
