import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { asCodedError } from '../base/index.ts';
import { type Digest, digestAlgorithm, digestHex, isDigest } from '../oci/index.ts';
import type { ByteRange } from './blob-store.ts';
import { storageError } from './errors.ts';
import { digestMismatch, verifying } from './verify-stream.ts';

/** Bytes read from disk at once: each piece costs its way through the streams, and a decoder waits for it. */
const READ_SIZE = 512 * 1024;

export const ALGORITHMS = ['sha256', 'sha512'] as const;

/** image-spec image-layout.md: `blobs/<algorithm>/<hex>`. */
export function blobPath(directory: string, digest: Digest): string {
  return join(directory, 'blobs', digestAlgorithm(digest), digestHex(digest));
}

export async function blobSize(directory: string, digest: Digest): Promise<number | undefined> {
  try {
    const found = await stat(blobPath(directory, digest));
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw asCodedError(error);
  }
}

/** @throws BLOB_MISSING, BLOB_RANGE_INVALID */
export async function openBlobFile(directory: string, digest: Digest, range?: ByteRange): Promise<Readable> {
  const { handle, size } = await openRegular(directory, digest);
  if (range === undefined) {
    return verifying(handle.createReadStream({ highWaterMark: READ_SIZE }), digest, size);
  }
  if (range.start < 0 || range.start > range.end || range.start >= size) {
    await handle.close();
    throw storageError('BLOB_RANGE_INVALID', `bytes ${range.start}-${range.end} lie outside ${digest} (${size} bytes)`);
  }
  return handle.createReadStream({ start: range.start, end: range.end, highWaterMark: READ_SIZE });
}

/** @throws BLOB_MISSING, BLOB_TOO_LARGE, OCI_DIGEST_MISMATCH */
export async function readBlobFile(directory: string, digest: Digest, limit: number): Promise<Buffer> {
  const { handle, size } = await openRegular(directory, digest);
  try {
    if (size > limit) {
      throw storageError('BLOB_TOO_LARGE', `blob ${digest} has ${size} bytes, more than the ${limit} accepted here`);
    }
    const bytes = await handle.readFile();
    const found = createHash(digestAlgorithm(digest)).update(bytes).digest('hex');
    if (found !== digestHex(digest)) throw digestMismatch(digest, found);
    return bytes;
  } finally {
    await handle.close();
  }
}

export async function* listBlobFiles(
  directory: string,
): AsyncGenerator<{ digest: Digest; size: number; modified: number }> {
  for (const algorithm of ALGORITHMS) {
    const folder = join(directory, 'blobs', algorithm);
    const names = await readdir(folder).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw asCodedError(error);
    });
    for (const name of names) {
      const digest = `${algorithm}:${name}`;
      if (!isDigest(digest)) continue;
      const found = await stat(join(folder, name)).catch(() => undefined);
      if (found?.isFile()) yield { digest, size: found.size, modified: found.mtimeMs };
    }
  }
}

/** Not blocking on a fifo that someone planted where a blob should be. */
async function openRegular(directory: string, digest: Digest): Promise<{ handle: FileHandle; size: number }> {
  let handle: FileHandle;
  try {
    handle = await open(blobPath(directory, digest), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isAbsent(error)) throw blobMissing(digest, directory);
    throw asCodedError(error);
  }
  const found = await handle.stat();
  if (found.isFile()) return { handle, size: found.size };
  await handle.close();
  throw blobMissing(digest, directory);
}

export function blobMissing(digest: Digest, where: string): Error {
  return storageError('BLOB_MISSING', `blob ${digest} is missing in ${where}`, {
    hint: 'The image is incomplete there: copy or push it again.',
    details: { digest },
  });
}

export function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
