/** What a statement gave, in a form that goes from thread to thread. */
export type Outcome = Result | { readonly kind: 'failed'; readonly failure: SqlFailure };

export interface Result {
  readonly kind: 'result';
  /** Names of the columns of `rows`. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  /** Rows that INSERT, UPDATE, DELETE, MERGE or COPY wrote; 0 for other statements. */
  readonly affected: number;
  /** First word of what the server says it did: `COMMIT`, `ROLLBACK`, `SELECT`, … */
  readonly command: string;
}

/**
 * Members of PostgreSQL's error message by their names there.
 * @see https://www.postgresql.org/docs/current/protocol-error-fields.html
 */
export interface SqlFailure {
  readonly message: string;
  readonly [member: string]: unknown;
}

/** One statement at a time on the embedded database's only connection; whoever calls sees to that. */
export interface EmbeddedSession {
  /** One statement with `$1` parameters. `begin`: a transaction begins with it. */
  run(text: string, values: readonly unknown[], begin: boolean): Promise<Outcome>;
  /** Any number of statements without parameters; one result each, the last one the failure where one fails. */
  script(text: string): Promise<readonly Outcome[]>;
  listen(channel: string, listener: () => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** An error as PGlite and `pg` throw it: `code` is the SQLSTATE. */
export class SqlError extends Error {
  constructor({ message, ...members }: SqlFailure) {
    super(message);
    this.name = 'SqlError';
    Object.assign(this, members);
  }
}

/** Rows as objects. @throws SqlError */
export function rowsOf(outcome: Outcome): Record<string, unknown>[] {
  const { columns, rows } = succeeded(outcome);
  return rows.map((row) => {
    const made: Record<string, unknown> = {};
    for (let at = 0; at < columns.length; at += 1) made[columns[at] as string] = row[at];
    return made;
  });
}

/** @throws SqlError */
export function succeeded(outcome: Outcome): Result {
  if (outcome.kind === 'failed') throw new SqlError(outcome.failure);
  return outcome;
}
