import { systemClock } from '../base/index.ts';
import type { Database, DatabaseReader } from '../database/index.ts';
import type { Digest } from '../oci/index.ts';
import { liftQuarantine, type QuarantineEntry, quarantined } from '../publish/index.ts';
import type { Word } from './campaign/operate.ts';
import { rolloutError } from './errors.ts';

/** @throws ROLLOUT_DIGEST_QUARANTINED */
export async function refuseQuarantined(reader: DatabaseReader, digest: Digest): Promise<void> {
  const entry = await quarantined(reader, digest);
  if (entry === undefined) return;
  const found = `Found by ${entry.foundBy} at ${entry.since.toISOString()}`;
  throw rolloutError('ROLLOUT_DIGEST_QUARANTINED', `${digest} is quarantined: ${entry.reason}`, {
    hint: `${found}; build a new image, or lift it: \`heraklit rollout quarantine lift ${digest}\`.`,
    details: { digest, foundBy: entry.foundBy },
  });
}

/** Why a digest is quarantined; undefined when it is not. */
export async function quarantineReason(reader: DatabaseReader, digest: Digest): Promise<string | undefined> {
  return (await quarantined(reader, digest))?.reason;
}

/**
 * A person's word that a digest may be rolled out again; nothing is rolled out by it.
 * @throws ROLLOUT_NOT_QUARANTINED
 */
export async function liftByWord(
  database: Database,
  digest: Digest,
  { actor, reason, within, clock = systemClock }: Word,
): Promise<QuarantineEntry> {
  return await database.transaction(async (trx) => {
    await within?.(trx);
    const lifted = await liftQuarantine(trx, digest, { actor, reason }, clock);
    if (lifted !== undefined) return lifted;
    throw rolloutError('ROLLOUT_NOT_QUARANTINED', `${digest} is not quarantined`, {
      hint: '`heraklit rollout quarantine list` tells what is.',
    });
  });
}
