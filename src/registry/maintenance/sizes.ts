import { sql } from 'kysely';
import { type Database, unnest } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';

const PAGE = 500;

/** Fills in the sizes of blobs that were linked without one. What the store does not have stays unknown. */
export async function fillInSizes(database: Database, store: BlobStore, signal?: AbortSignal): Promise<void> {
  for (let after = ''; ; ) {
    signal?.throwIfAborted();
    const { rows } = await sql<{ digest: Digest }>`select distinct digest from registry_blob
      where size is null and digest > ${after} order by digest limit ${PAGE}`.execute(database.kysely);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.digest;
    const found = await Promise.all(
      rows.map(async ({ digest }) => ({ digest, size: (await store.stat(digest))?.size ?? null })),
    );
    await sql`update registry_blob b set size = row.size
      from ${unnest(found, { digest: 'text', size: 'bigint' })} as row (digest, size)
      where b.digest = row.digest and b.size is null and row.size is not null`.execute(database.kysely);
  }
}
