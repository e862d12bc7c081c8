import { type RawBuilder, type SqlBool, sql } from 'kysely';

/** The column types that bulk inserts use. */
export type BulkType = 'text' | 'integer' | 'bigint' | 'boolean' | 'timestamptz' | 'jsonb' | 'double precision';

/**
 * `unnest($1::text[], $2::integer[])` over rows: one statement and one parameter a column for any number of rows,
 * where VALUES would need rows × columns parameters (at most 65,535) and a parse of each.
 *
 * @example
 * await sql`insert into layer (digest, size)
 *   select * from ${unnest(rows, { digest: 'text', size: 'bigint' })} on conflict do nothing`.execute(trx);
 */
export function unnest<Row extends object>(
  rows: readonly Row[],
  columns: Partial<Readonly<Record<keyof Row & string, BulkType>>>,
): RawBuilder<SqlBool> {
  const arrays = Object.entries(columns).map(([name, type]) => {
    const values = rows.map((row) => row[name as keyof Row] ?? null);
    return sql`${sql.val(values)}::${sql.raw(String(type))}[]`;
  });
  return sql`unnest(${sql.join(arrays)})`;
}
