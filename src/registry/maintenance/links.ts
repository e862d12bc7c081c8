import { sql } from 'kysely';
import type { Database } from '../../database/index.ts';

/**
 * Takes from each repository the blobs that none of its manifests names and that no client counted on since `before`:
 * left by manifests that are gone, and by pushes that never came to their end. A link that is touched at the same
 * moment stays, because the deletion looks at the row's newest version.
 * @returns how many went, or would
 */
export async function pruneLinks(database: Database, before: string, dryRun: boolean): Promise<number> {
  let count = 0;
  for (let after = -1; ; ) {
    const { rows } = await sql<{ id: number }>`select id from registry_repository where id > ${after}
      and exists (select from registry_blob b where b.repository = id and b.touched < ${before}::timestamptz)
      order by id limit 1`.execute(database.kysely);
    const id = rows[0]?.id;
    if (id === undefined) return count;
    after = id;
    // The repository as a number, not as `b.repository`: the names are then gathered once, not for every row.
    const unnamed = sql`b.repository = ${id} and b.touched < ${before}::timestamptz
      and not exists (select from registry_manifest m where m.repository = ${id} and m.names is null)
      and b.digest not in (select unnest(m.names) from registry_manifest m where m.repository = ${id})`;
    const found = dryRun
      ? await sql<{ count: number }>`select count(*)::integer as count from registry_blob b
          where ${unnamed}`.execute(database.kysely)
      : await sql<{ count: number }>`with gone as (
            delete from registry_blob b where ${unnamed} returning 1
          ) select count(*)::integer as count from gone`.execute(database.kysely);
    count += found.rows[0]?.count ?? 0;
  }
}
