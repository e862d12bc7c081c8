import {
  AbortedTransactionError,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import { type EmbeddedSession, rowsOf, succeeded } from './session.ts';
import type { Turns } from './turns.ts';

/** Kysely over the embedded database: a query or a transaction at a time, in the order they are asked for. */
export function embeddedDialect(session: EmbeddedSession, turns: Turns): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new EmbeddedDriver(session, turns),
    createIntrospector: (database) => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class EmbeddedConnection implements DatabaseConnection {
  readonly #session: EmbeddedSession;
  readonly end: () => void;
  transaction: 'none' | 'wanted' | 'open' = 'none';

  constructor(session: EmbeddedSession, end: () => void) {
    this.#session = session;
    this.end = end;
  }

  /** A transaction begins with its first statement: one way to the database and back less. */
  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const begin = this.transaction === 'wanted';
    if (begin) this.transaction = 'open';
    const outcome = await this.#session.run(sql, parameters, begin);
    const rows = rowsOf(outcome) as Row[];
    return { rows, numAffectedRows: BigInt(succeeded(outcome).affected) };
  }

  // biome-ignore lint/correctness/useYield: the interface wants a generator, and nobody streams from this database
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('the embedded database does not stream rows');
  }

  async finish(statement: 'commit' | 'rollback'): Promise<void> {
    const { transaction } = this;
    this.transaction = 'none';
    if (transaction !== 'open') return;
    const [outcome] = await this.#session.script(statement);
    if (outcome === undefined) return;
    const { command } = succeeded(outcome);
    if (statement === 'commit' && command === 'ROLLBACK') throw new AbortedTransactionError({ cause: undefined });
  }
}

class EmbeddedDriver implements Driver {
  readonly #session: EmbeddedSession;
  readonly #turns: Turns;

  constructor(session: EmbeddedSession, turns: Turns) {
    this.#session = session;
    this.#turns = turns;
  }

  async init(): Promise<void> {}
  async acquireConnection(): Promise<EmbeddedConnection> {
    return new EmbeddedConnection(this.#session, await this.#turns.take());
  }
  async beginTransaction(connection: EmbeddedConnection): Promise<void> {
    connection.transaction = 'wanted';
  }
  commitTransaction(connection: EmbeddedConnection): Promise<void> {
    return connection.finish('commit');
  }
  rollbackTransaction(connection: EmbeddedConnection): Promise<void> {
    return connection.finish('rollback');
  }
  async releaseConnection(connection: EmbeddedConnection): Promise<void> {
    connection.end();
  }
  async destroy(): Promise<void> {
    const end = await this.#turns.take();
    await this.#session.close().finally(end);
  }
}
