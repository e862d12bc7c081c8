import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';

/** Remembers further digests of images: nodes tell what they run by the digest of an index or of a configuration, too. */
export async function recordImageDigests(
  trx: DatabaseTransaction,
  known: readonly { readonly digest: string; readonly image: number }[],
): Promise<void> {
  if (known.length === 0) return;
  const rows = [...known].sort((a, b) => a.image - b.image || (a.digest < b.digest ? -1 : 1));
  await sql`insert into image_digest (digest, image)
    select digest, image from ${unnest(rows, { digest: 'text', image: 'integer' })} as known (digest, image)
    on conflict do nothing`.execute(trx);
}
