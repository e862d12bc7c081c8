import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';

/** A reference and the image.id it means from `now` on. */
export interface PointedReference {
  readonly reference: string;
  readonly image: number;
  readonly now: Date;
}

/**
 * From now on each reference means its image; what it meant before becomes history. Of a reference that stands twice,
 * the later one counts last, as if they had come one by one.
 */
export async function pointReferences(trx: DatabaseTransaction, pointed: readonly PointedReference[]): Promise<void> {
  for (let rest = pointed; rest.length > 0; ) {
    const round = new Map<string, PointedReference>();
    const later: PointedReference[] = [];
    for (const one of rest) {
      if (round.has(one.reference)) later.push(one);
      else round.set(one.reference, one);
    }
    await pointDistinct(trx, [...round.values()]);
    rest = later;
  }
}

async function pointDistinct(trx: DatabaseTransaction, pointed: readonly PointedReference[]): Promise<void> {
  const { rows } = await sql<{ reference: string; image: number }>`
    select reference, image from image_reference
    where reference = any(${pointed.map(({ reference }) => reference)}::text[]) and until is null
    order by reference for update`.execute(trx);
  const current = new Map(rows.map((row) => [row.reference, row.image]));
  const moved = pointed
    .filter(({ reference, image }) => current.get(reference) !== image)
    // One order for every writer, so that two of them never wait for each other.
    .sort((a, b) => (a.reference < b.reference ? -1 : 1));
  if (moved.length === 0) return;
  const ended = moved.filter(({ reference }) => current.has(reference));
  if (ended.length > 0) {
    await sql`
      update image_reference set until = ended.now
      from ${unnest(ended, { reference: 'text', now: 'timestamptz' })} as ended (reference, now)
      where image_reference.reference = ended.reference and until is null`.execute(trx);
  }
  // Moved twice within one clock tick: the last one counts.
  await sql`
    insert into image_reference (reference, image, since, until)
    select reference, image, now, null
    from ${unnest(moved, { reference: 'text', image: 'integer', now: 'timestamptz' })} as moved (reference, image, now)
    on conflict (reference, since) do update set image = excluded.image, until = null`.execute(trx);
}

/** The reference names nothing any more (tag deleted); its history stays. */
export async function endReference(trx: DatabaseTransaction, reference: string, now: Date): Promise<void> {
  await trx
    .updateTable('image_reference')
    .set({ until: now })
    .where('reference', '=', reference)
    .where('until', 'is', null)
    .execute();
}
