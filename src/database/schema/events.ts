import type { Generated } from 'kysely';

/** One event, committed with the state it announces. Rows are only added, and removed by retention. */
export interface OutboxTable {
  /** Position in commit order: strictly increasing, without gaps a reader could miss. */
  readonly sequence: Generated<number>;
  /** Deterministic id; unique, so a resumed step announces nothing twice. */
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly time: Date;
  /** JSON text of the event's data. */
  readonly data: string;
}

/** How far a sink has got. The last sequence it has safely taken. */
export interface OutboxCursorTable {
  readonly sink: string;
  readonly sequence: number;
  /** Which relay delivers to this sink now, and until when unless it renews: one at a time, so order holds. */
  readonly holder: string;
  readonly lease_until: Date;
}

/** Facts about this database: `home` is the id in every event's `source`. */
export interface MetadataTable {
  readonly key: string;
  readonly value: string;
}

/** Ids of events that retention removed. */
export interface OutboxPrunedTable {
  readonly id: string;
}

export interface EventsSchema {
  readonly outbox: OutboxTable;
  readonly outbox_pruned: OutboxPrunedTable;
  readonly outbox_cursor: OutboxCursorTable;
  readonly metadata: MetadataTable;
}
