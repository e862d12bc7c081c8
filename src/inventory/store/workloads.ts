import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';

/** Ids of running things by the digest they run, sorted. */
export async function workloadsOf(
  reader: DatabaseReader,
  digests: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (digests.length === 0) return new Map();
  const { rows } = await sql<{ digest: string; ids: string[] }>`
    select digest, array_agg(distinct id order by id) as ids from workload_image
    where digest = any(${[...new Set(digests)]}::text[]) group by digest`.execute(reader);
  return new Map(rows.map((row) => [row.digest, row.ids]));
}
