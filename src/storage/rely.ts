import type { Digest } from '../oci/index.ts';
import type { BlobStore } from './blob-store.ts';

/**
 * Milliseconds for which a blob that was written or renewed counts as fresh without asking. Collection keeps blobs for
 * at least twice as long, so one that is fresh here stays for at least this long again.
 */
export const RENEW_AFTER = 3_600_000;

/**
 * Size of a blob that somebody is about to count on without naming it in the catalogue yet: a client that was told it
 * is there, a builder that reuses a layer. It stays until the collector's grace is over; undefined when it is missing.
 */
export async function relyOn(store: BlobStore, digest: Digest, now = Date.now()): Promise<number | undefined> {
  const found = await store.stat(digest);
  if (found === undefined || found.modified >= now - (store.renewAfter ?? RENEW_AFTER)) return found?.size;
  return (await store.renew(digest)) ? found.size : undefined;
}
