import { sql } from 'kysely';
import type { Database } from '../../database/index.ts';

export interface RepositoryUsage {
  readonly repository: string;
  readonly tags: number;
  readonly manifests: number;
  readonly blobs: number;
  /** Bytes of its distinct blobs and manifests: what quotas count. */
  readonly bytes: number;
  /** Of these, what no other repository has: what would be freed without it. */
  readonly exclusive: number;
  /** The rest. */
  readonly shared: number;
}

export interface Usage {
  readonly repositories: readonly RepositoryUsage[];
  /** Distinct content of all repositories. */
  readonly total: { readonly repositories: number; readonly blobs: number; readonly bytes: number };
}

/** What each repository uses, largest first. Blobs linked without a size count once `registry gc` has looked. */
export async function readUsage(database: Database): Promise<Usage> {
  const { rows } = await sql<RepositoryUsage>`
    with content as (
      select repository, digest, size, 1 as blob from registry_blob
      union all select m.repository, m.digest, m.size, 0 from registry_manifest m
        where not exists (select from registry_blob b where b.repository = m.repository and b.digest = m.digest)
    ), owners as (
      select digest, count(*) as repositories from content group by digest
    ), used as (
      select c.repository, sum(c.blob)::integer as blobs, (count(*) - sum(c.blob))::integer as manifests,
        coalesce(sum(c.size), 0)::bigint as bytes,
        coalesce(sum(c.size) filter (where o.repositories = 1), 0)::bigint as exclusive
      from content c join owners o using (digest) group by c.repository
    )
    select r.name as repository, u.blobs, u.manifests, u.bytes, u.exclusive, (u.bytes - u.exclusive)::bigint as shared,
      (select count(*) from registry_tag t where t.repository = r.id)::integer as tags
    from used u join registry_repository r on r.id = u.repository order by u.bytes desc, r.name`.execute(
    database.kysely,
  );
  const all = await sql<{ blobs: number; bytes: number }>`
    select count(*)::integer as blobs, coalesce(sum(size), 0)::bigint as bytes from (
      select digest, max(size) as size from (
        select digest, size from registry_blob union all select digest, size from registry_manifest
      ) each group by digest
    ) one`.execute(database.kysely);
  return { repositories: rows, total: { repositories: rows.length, ...(all.rows[0] ?? { blobs: 0, bytes: 0 }) } };
}
