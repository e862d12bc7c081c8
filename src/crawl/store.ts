import { sql } from 'kysely';
import { type DatabaseReader, type DatabaseTransaction, unnest } from '../database/index.ts';
import { endReference, pointAt } from '../inventory/store/index.ts';
import type { Digest } from '../oci/index.ts';

/** What a name meant in the last crawl of its source. */
export interface Remembered {
  readonly reference: string;
  readonly digest: Digest;
  readonly image: Digest;
}

export async function remembered(database: DatabaseReader, source: string): Promise<ReadonlyMap<string, Remembered>> {
  const rows = await database
    .selectFrom('crawl_reference')
    .select(['reference', 'digest', 'image'])
    .where('source', '=', source)
    .execute();
  return new Map(rows.map((row) => [row.reference, row as Remembered]));
}

/** Remembers what names mean, in the transaction that records the images. */
export async function remember(
  trx: DatabaseTransaction,
  source: string,
  names: readonly Remembered[],
  now: Date,
): Promise<void> {
  if (names.length === 0) return;
  const rows = [...new Map(names.map((one) => [one.reference, one])).values()].sort((a, b) =>
    a.reference < b.reference ? -1 : 1,
  );
  await sql`
    insert into crawl_reference (source, reference, digest, image, seen)
    select ${source}::text, reference, digest, image, ${now}::timestamptz
    from ${unnest(rows, { reference: 'text', digest: 'text', image: 'text' })} as seen (reference, digest, image)
    on conflict (source, reference) do update
      set digest = excluded.digest, image = excluded.image, seen = excluded.seen`.execute(trx);
  // Nodes tell an image of several platforms by the digest of its index.
  await sql`insert into image_digest (digest, image)
    select distinct named.digest, image.id
    from ${unnest(rows, { digest: 'text', image: 'text' })} as named (digest, image)
    join image on image.digest = named.image where named.digest <> named.image
    order by image.id, named.digest on conflict do nothing`.execute(trx);
}

/** Points a name at an image that the inventory has. @returns false where it has none of that digest */
export async function pointAtKnown(
  trx: DatabaseTransaction,
  reference: string,
  digest: Digest,
  now: Date,
): Promise<boolean> {
  const row = await trx.selectFrom('image').select('id').where('digest', '=', digest).executeTakeFirst();
  if (row === undefined) return false;
  await pointAt(trx, [{ reference, image: row.id, now }]);
  return true;
}

/** Names that the source had and has no more: they mean nothing from now on, their history stays. */
export async function endGone(
  trx: DatabaseTransaction,
  source: string,
  references: readonly string[],
  now: Date,
): Promise<void> {
  for (const reference of references) await endReference(trx, reference, now);
  await trx
    .deleteFrom('crawl_reference')
    .where('source', '=', source)
    .where('reference', 'in', [...references])
    .execute();
}
