import { sql } from 'kysely';
import type { DatabaseReader, DatabaseTransaction } from '../database/index.ts';
import { emit } from '../events/index.ts';
import type { Descriptor, Digest } from '../oci/index.ts';
import { quarantinedEvent } from './events.ts';
import type { Publisher } from './publish.ts';
import type { Place } from './types.ts';

export interface Quarantine extends Place {
  readonly digest: Digest;
  /** Why; a sentence for people. */
  readonly reason: string;
  /** What the tag is to name again when it names the bad digest; undefined: the tag never moved there. */
  readonly restore: Descriptor | undefined;
}

/**
 * Marks a digest as one never to be offered again, puts its tag back where it had moved, and announces it; in the
 * caller's transaction. The manifest stays, so that it can be looked at.
 */
export async function quarantine(trx: DatabaseTransaction, publisher: Publisher, bad: Quarantine): Promise<void> {
  await trx
    .insertInto('quarantine')
    .values({ digest: bad.digest, image: bad.image, reason: bad.reason, since: new Date() })
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .execute();
  if (bad.restore !== undefined) {
    const { repository, tag, restore } = bad;
    await publisher.catalogue.publishMany([{ repository, tag, descriptor: restore, blobs: [] }], { trx });
  }
  await emit(trx, quarantinedEvent(bad, bad.digest, bad.reason));
}

/** Reasons by digest, for those of the digests that are quarantined. */
export async function quarantineReasons(
  reader: DatabaseReader,
  digests: readonly Digest[],
): Promise<ReadonlyMap<string, string>> {
  if (digests.length === 0) return new Map();
  const rows = await reader
    .selectFrom('quarantine')
    .select(['digest', 'reason'])
    .where(sql<boolean>`digest = any(${sql.val([...digests])}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.digest, row.reason]));
}
