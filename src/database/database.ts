import type { Kysely, Transaction } from 'kysely';
import type { Channel, Unlisten } from './listen.ts';
import { openScope, refuseInsideTransaction, refusePastTransaction } from './open-scope.ts';
import type { Schema } from './schema/index.ts';

export type DatabaseKind = 'embedded' | 'postgresql';

/** The open transaction: what every writing function takes, so that state and events commit together. */
export type DatabaseTransaction = Transaction<Schema>;

/** Either handle, for functions that only read. */
export type DatabaseReader = Kysely<Schema>;

export interface Database {
  readonly kind: DatabaseKind;
  /** For reads and single statements outside a transaction. */
  readonly kysely: Kysely<Schema>;
  /**
   * Commits when `work` resolves, rolls back when it throws. Read committed. Not to be nested: pass `trx` on.
   * Keep it short: the embedded database runs one transaction at a time.
   * @throws DATABASE_OUTSIDE_TRANSACTION when nested, or when `work` uses `database.kysely`
   */
  transaction<T>(work: (trx: DatabaseTransaction) => Promise<T>): Promise<T>;
  /**
   * Calls `listener` soon after any process commits `pg_notify(channel, …)`; also after a lost connection came back.
   * It is a wake-up, not a message: the listener reads the tables to see what is new.
   */
  listen(channel: Channel, listener: () => void): Promise<Unlisten>;
  /** For a library that brings its own SQL (the job queue); everything of ours goes through Kysely. */
  readonly raw: RawSql;
  close(): Promise<void>;
}

export interface RawSql {
  /** One statement with `$1` parameters; or, without values, any number of statements, whose rows come joined. */
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: unknown[] }>;
}

/** What differs between the two kinds, below Kysely. */
export interface DatabaseBackend extends RawSql {
  readonly kind: DatabaseKind;
  listen(channel: Channel, listener: () => void): Promise<Unlisten>;
  /** Runs when closing begins. */
  closing?(): void;
  /** Runs after the connections are closed. */
  release(): Promise<void>;
}

/** A Database over an opened Kysely. */
export function databaseOver(connection: Kysely<Schema>, backend: DatabaseBackend): Database {
  const kysely = connection.withPlugin(refusePastTransaction);
  let closing: Promise<void> | undefined;
  const stops = new Set<Unlisten>();
  return {
    kind: backend.kind,
    kysely,
    async transaction(work) {
      refuseInsideTransaction('a transaction');
      const scope = { open: true };
      try {
        return await connection.transaction().execute((trx) => openScope.run(scope, () => work(trx)));
      } finally {
        scope.open = false;
      }
    },
    async listen(channel, listener) {
      refuseInsideTransaction('listen');
      const stop = await backend.listen(channel, listener);
      stops.add(stop);
      return async () => {
        if (stops.delete(stop)) await stop();
      };
    },
    raw: {
      async query(text, values) {
        refuseInsideTransaction('a raw query');
        return await backend.query(text, values);
      },
    },
    close() {
      if (closing !== undefined) return closing;
      backend.closing?.();
      closing = Promise.allSettled([...stops].map((stop) => stop()))
        .then(() => connection.destroy())
        .finally(() => backend.release());
      return closing;
    },
  };
}
