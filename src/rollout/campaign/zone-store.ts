import { sql } from 'kysely';
import type { Clock } from '../../base/index.ts';
import type { DatabaseReader, DatabaseTransaction } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';

/** Zones in which an image proved good. */
export async function zonesWith(reader: DatabaseReader, digest: Digest): Promise<ReadonlySet<string>> {
  const rows = await reader
    .selectFrom('zone_image')
    .select('zone')
    .where('digest', '=', digest)
    .where('succeeded', 'is not', null)
    .execute();
  return new Set(rows.map(({ zone }) => zone));
}

/** One that came before keeps how it came. */
export async function recordArrival(
  trx: DatabaseTransaction,
  arrival: {
    readonly zone: string;
    readonly digest: Digest;
    readonly from: string | null;
    readonly campaign: number;
  },
  clock: Clock,
): Promise<void> {
  const { zone, digest, from, campaign } = arrival;
  await trx
    .insertInto('zone_image')
    .values({ zone, digest, came_from: from, campaign, arrived: new Date(clock.now()), succeeded: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function recordSuccess(
  trx: DatabaseTransaction,
  zones: readonly string[],
  digest: Digest,
  clock: Clock,
): Promise<void> {
  if (zones.length === 0) return;
  await trx
    .updateTable('zone_image')
    .set({ succeeded: new Date(clock.now()) })
    .where('digest', '=', digest)
    .where(sql<boolean>`zone = any(${sql.val([...zones])}::text[])`)
    .where('succeeded', 'is', null)
    .execute();
}

/** `zone\ndigest` of all that came to zones on a way that is allowed. */
export async function arrivals(reader: DatabaseReader): Promise<ReadonlySet<string>> {
  const rows = await reader.selectFrom('zone_image').select(['zone', 'digest']).execute();
  return new Set(rows.map(({ zone, digest }) => `${zone}\n${digest}`));
}
