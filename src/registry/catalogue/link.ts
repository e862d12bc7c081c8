import { sql } from 'kysely';
import {
  type Database,
  type DatabaseReader,
  type DatabaseTransaction,
  plannedOnce,
  unnest,
} from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import { COLLECT_LOCK, repositoryIds } from './publish.ts';

export interface BlobLink {
  readonly repository: string;
  readonly digest: Digest;
  readonly size: number | undefined;
}

/** Lets repositories serve blobs, all or none of them; what is linked already is touched. */
export async function linkBlobs(
  database: Database,
  links: readonly BlobLink[],
  within?: (trx: DatabaseTransaction) => Promise<void>,
): Promise<void> {
  // Once each, as `on conflict` wants it.
  const rows = [...new Map(links.map((link) => [`${link.repository}@${link.digest}`, link])).values()].map(
    ({ repository, digest, size }) => ({ repository, digest, size: size ?? null }),
  );
  // A statement is a transaction of its own, where all repositories exist, which is nearly always.
  if (within === undefined && (await linkKnown(database.kysely, rows)) === rows.length) return;
  await database.transaction(async (trx) => {
    await repositoryIds(
      rows.map(({ repository }) => repository),
      trx,
    );
    await linkKnown(trx, rows);
    await within?.(trx);
  });
}

/** Rows go in sorted, so that two that overlap wait for each other in one order. Returns how many went in. */
async function linkKnown(
  reader: DatabaseReader,
  rows: readonly { readonly repository: string; readonly digest: Digest; readonly size: number | null }[],
): Promise<number> {
  const { rows: linked } = await sql`${plannedOnce} insert into registry_blob (repository, digest, size)
    select r.id, wanted.digest, wanted.size
    from (select pg_advisory_xact_lock_shared(${COLLECT_LOCK})) as shared,
      ${unnest(rows, { repository: 'text', digest: 'text', size: 'bigint' })} as wanted (repository, digest, size)
      join registry_repository r on r.name = wanted.repository
    order by r.id, wanted.digest
    on conflict (repository, digest) do update
      set touched = now(), size = coalesce(registry_blob.size, excluded.size)
    returning 1 as one`.execute(reader);
  return linked.length;
}
