import type { DatabaseReader } from '../database/index.ts';
import type { Digest } from '../oci/index.ts';
import { quarantined } from '../publish/index.ts';
import { rolloutError } from './errors.ts';

/** @throws ROLLOUT_DIGEST_QUARANTINED */
export async function refuseQuarantined(reader: DatabaseReader, digest: Digest): Promise<void> {
  const entry = await quarantined(reader, digest);
  if (entry === undefined) return;
  throw rolloutError('ROLLOUT_DIGEST_QUARANTINED', `${digest} is quarantined: ${entry.reason}`, {
    hint: `Found by ${entry.foundBy} at ${entry.since.toISOString()}; build a new image, or lift the quarantine.`,
    details: { digest, foundBy: entry.foundBy },
  });
}

/** Why a digest is quarantined; undefined when it is not. */
export async function quarantineReason(reader: DatabaseReader, digest: Digest): Promise<string | undefined> {
  return (await quarantined(reader, digest))?.reason;
}
