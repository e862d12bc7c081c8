import { statSync } from 'node:fs';
import { rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { asCodedError } from '../base/index.ts';
import type { Digest } from '../oci/index.ts';
import { blobPath, isAbsent } from './blob-files.ts';
import type { BlobFacts, StoredBlob } from './blob-store.ts';
import { withLock } from './lock-file.ts';

/** Held while blobs are renewed or deleted for being old, by whichever process. */
export const COLLECT_LOCK = '.collect.lock';

const lockOf = (directory: string): string => join(directory, COLLECT_LOCK);

/** Not by a pool thread: the way there and back takes twenty times as long as the look, which every push needs. */
export async function statBlob(directory: string, digest: Digest): Promise<BlobFacts | undefined> {
  try {
    const found = statSync(blobPath(directory, digest), { throwIfNoEntry: false });
    return found?.isFile() === true ? { size: found.size, modified: found.mtimeMs } : undefined;
  } catch (error) {
    throw asCodedError(error);
  }
}

/** Under the lock that `deleteOldBlobs` holds: between its look at the time and its deletion nothing is renewed. */
export async function renewBlob(directory: string, digest: Digest, now: number): Promise<boolean> {
  try {
    return await withLock(lockOf(directory), async () => {
      try {
        await utimes(blobPath(directory, digest), now / 1_000, now / 1_000);
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        throw error;
      }
    });
  } catch (error) {
    throw asCodedError(error);
  }
}

export async function deleteOldBlobs(
  directory: string,
  digests: readonly Digest[],
  before: number,
): Promise<readonly StoredBlob[]> {
  const deleted: StoredBlob[] = [];
  try {
    await withLock(lockOf(directory), async () => {
      for (const digest of digests) {
        const found = await statBlob(directory, digest);
        if (found === undefined || found.modified >= before) continue;
        await rm(blobPath(directory, digest), { force: true });
        deleted.push({ digest, size: found.size });
      }
    });
  } catch (error) {
    throw asCodedError(error);
  }
  return deleted;
}
