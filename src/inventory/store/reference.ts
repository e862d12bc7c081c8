import type { DatabaseTransaction } from '../../database/index.ts';

/** From now on the reference means this image; what it meant before becomes history. */
export async function pointReference(
  trx: DatabaseTransaction,
  reference: string,
  image: number,
  now: Date,
): Promise<void> {
  const current = await trx
    .selectFrom('image_reference')
    .select('image')
    .where('reference', '=', reference)
    .where('until', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  if (current?.image === image) return;
  await endReference(trx, reference, now);
  await trx
    .insertInto('image_reference')
    .values({ reference, image, since: now, until: null })
    // Moved twice within one clock tick: the last one counts.
    .onConflict((conflict) => conflict.columns(['reference', 'since']).doUpdateSet({ image, until: null }))
    .execute();
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
