import { type Clock, systemClock } from '../base/index.ts';
import type { DatabaseReader, DatabaseTransaction } from '../database/index.ts';
import { emit } from '../events/index.ts';
import type { Digest } from '../oci/index.ts';
import { rolloutError } from './errors.ts';
import { type QuarantineEventData, quarantineEvent } from './events.ts';

export interface QuarantineEntry {
  readonly digest: Digest;
  readonly reason: string;
  readonly foundBy: string;
  readonly since: Date;
}

export async function quarantined(reader: DatabaseReader, digest: Digest): Promise<QuarantineEntry | undefined> {
  const row = await reader.selectFrom('quarantine').selectAll().where('digest', '=', digest).executeTakeFirst();
  return row === undefined ? undefined : { digest, reason: row.reason, foundBy: row.found_by, since: row.since };
}

/** Newest first. */
export async function listQuarantine(reader: DatabaseReader): Promise<readonly QuarantineEntry[]> {
  const rows = await reader.selectFrom('quarantine').selectAll().orderBy('since', 'desc').orderBy('digest').execute();
  return rows.map((row) => ({
    digest: row.digest as Digest,
    reason: row.reason,
    foundBy: row.found_by,
    since: row.since,
  }));
}

/** Row and event in the caller's transaction; a digest that is there already keeps its first reason, and no event. */
export async function quarantine(
  trx: DatabaseTransaction,
  data: QuarantineEventData,
  clock: Clock = systemClock,
): Promise<boolean> {
  const since = new Date(clock.now());
  const row = { digest: data.digest, reason: data.reason, found_by: data.foundBy, since };
  const written = await trx
    .insertInto('quarantine')
    .values(row)
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .executeTakeFirst();
  if (Number(written.numInsertedOrUpdatedRows ?? 0) === 0) return false;
  await emit(trx, quarantineEvent(data, since), clock);
  return true;
}

/** False when it was not quarantined. */
export async function liftQuarantine(trx: DatabaseTransaction, digest: Digest): Promise<boolean> {
  const gone = await trx.deleteFrom('quarantine').where('digest', '=', digest).executeTakeFirst();
  return gone.numDeletedRows > 0n;
}

/** @throws ROLLOUT_DIGEST_QUARANTINED */
export async function refuseQuarantined(reader: DatabaseReader, digest: Digest): Promise<void> {
  const entry = await quarantined(reader, digest);
  if (entry === undefined) return;
  throw rolloutError('ROLLOUT_DIGEST_QUARANTINED', `${digest} is quarantined: ${entry.reason}`, {
    hint: `Found by ${entry.foundBy} at ${entry.since.toISOString()}; build a new image, or lift the quarantine.`,
    details: { digest, foundBy: entry.foundBy },
  });
}
