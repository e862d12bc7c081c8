import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../../oci/index.ts';
import type { BlobFacts, StoredBlob } from '../blob-store.ts';
import type { S3Connection } from './connection.ts';
import { copyObject, headObject, putObject } from './objects.ts';

/** A collector that stands still this long while it deletes one blob is taken for dead, in ms. */
const COLLECTING = 60_000;
const POLL = 50;

export const blobName = (digest: Digest): string => `blobs/${digest.replace(':', '/')}`;
const markName = (digest: Digest): string => `collecting/${digest.replace(':', '/')}`;

export const statBlob = (s3: S3Connection, digest: Digest): Promise<BlobFacts | undefined> =>
  headObject(s3, blobName(digest));

/**
 * Copies a blob onto itself, which makes it young. S3 has no lock that a renewal and a deletion could share, so the
 * collector puts a mark before its last look at the time, and whoever renews looks for the mark afterwards: it either
 * sees the mark and waits for the verdict, or renewed before that last look.
 */
export async function renewBlob(s3: S3Connection, digest: Digest, size: number): Promise<boolean> {
  const name = blobName(digest);
  if (!(await copyObject(s3, name, name, size))) return false;
  const deadline = performance.now() + COLLECTING;
  if ((await headObject(s3, markName(digest))) === undefined) return true;
  while (performance.now() < deadline && (await headObject(s3, markName(digest))) !== undefined) await sleep(POLL);
  return (await headObject(s3, name)) !== undefined;
}

export async function deleteOldBlobs(
  s3: S3Connection,
  digests: readonly Digest[],
  before: number,
): Promise<readonly StoredBlob[]> {
  const deleted: StoredBlob[] = [];
  for (const digest of digests) {
    const mark = markName(digest);
    await putObject(s3, mark, new Uint8Array());
    try {
      const found = await statBlob(s3, digest);
      if (found === undefined || found.modified >= before) continue;
      await s3.delete([blobName(digest)]);
      deleted.push({ digest, size: found.size });
    } finally {
      await s3.delete([mark]);
    }
  }
  return deleted;
}
