import { sql } from 'kysely';
import { type Database, type DatabaseTransaction, unnest } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import { repositoryIds } from './publish.ts';

export interface BlobLink {
  readonly repository: string;
  readonly digest: Digest;
  readonly size: number | undefined;
}

/** Lets repositories serve blobs, all in one transaction; what is linked already is touched. */
export async function linkBlobs(
  database: Database,
  links: readonly BlobLink[],
  within?: (trx: DatabaseTransaction) => Promise<void>,
): Promise<void> {
  await database.transaction(async (trx) => {
    const ids = await repositoryIds(
      links.map(({ repository }) => repository),
      trx,
    );
    // Once each, as `on conflict` wants it, and sorted, so that two that overlap wait for each other in one order.
    const rows = new Map<string, { repository: number; digest: Digest; size: number | null }>();
    for (const { repository, digest, size } of links) {
      const id = ids.get(repository) as number;
      rows.set(`${id}:${digest}`, { repository: id, digest, size: size ?? null });
    }
    const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    await sql`insert into registry_blob (repository, digest, size)
      select * from ${unnest(sorted, { repository: 'integer', digest: 'text', size: 'bigint' })}
      on conflict (repository, digest) do update
        set touched = now(), size = coalesce(registry_blob.size, excluded.size)`.execute(trx);
    await within?.(trx);
  });
}
