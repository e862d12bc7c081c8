import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asCodedError, systemClock } from '../base/index.ts';
import { type Digest, digestAlgorithm, digestOf } from '../oci/index.ts';
import { appendToFile } from './append-file.ts';
import { blobPath, blobSize, isAbsent, listBlobFiles, openBlobFile, readBlobFile } from './blob-files.ts';
import type { BlobScratch, BlobStore } from './blob-store.ts';
import type { UploadContent, Written } from './blob-uploads.ts';
import { createDirectorySync, type DirectorySync } from './directory-sync.ts';
import { deleteOldBlobs, renewBlob, statBlob } from './fs-collect.ts';
import { createFileUploads } from './fs-uploads.ts';
import { hashHandle } from './hash-file.ts';
import { initLayout } from './layout.ts';
import { createMemoryUploads } from './memory-uploads.ts';
import { ownerToken } from './owner.ts';
import { RENEW_AFTER } from './rely.ts';
import { prepareScratch, scratchFolder, scratchPath } from './scratch-files.ts';
import { threadedBlobs } from './threaded-blobs.ts';
import { createFileHash } from './threaded-hash.ts';
import { createUploadFile } from './upload-files.ts';
import { digestMismatch, lengthMismatch } from './verify-stream.ts';

type Expected = { digest: Digest; size?: number };

export interface BlobStoreOptions {
  /** Milliseconds; see RENEW_AFTER, the default. */
  readonly renewAfter?: number;
  /** Small blobs are written by a thread: for a server, which takes many. */
  readonly thread?: boolean;
  /** No other process takes uploads into this store: small ones stay in memory until they are finished. */
  readonly ownUploads?: boolean;
}

/** Bytes of a blob that a thread writes: larger ones go to disk while they come. */
const SMALL_BLOB = 1024 * 1024;

/** Files written at once by `putMany`: more only queue in the thread pool. */
const PARALLEL_WRITES = 8;

/**
 * Opens (and creates where needed) a folder that is an OCI image layout as a blob store. Any number of processes may
 * have the same folder open: blobs appear by rename, and scratch files of a process that died are removed at open.
 *
 * @throws STORAGE_LAYOUT_INVALID, DISK_FULL, SYSTEM_ERROR
 */
export async function openBlobStore(directory: string, options: BlobStoreOptions = {}): Promise<BlobStore> {
  const { renewAfter = RENEW_AFTER, thread = false, ownUploads = false } = options;
  try {
    await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
    await initLayout(directory);
    await prepareScratch(directory, systemClock.now());
  } catch (error) {
    throw asCodedError(error);
  }
  const syncs = {
    sha256: createDirectorySync(join(directory, 'blobs', 'sha256')),
    sha512: createDirectorySync(join(directory, 'blobs', 'sha512')),
  };

  const syncOf = (digest: Digest): DirectorySync => syncs[digestAlgorithm(digest)];
  const durable = async (written: Written): Promise<Written> => {
    await syncOf(written.digest).settled();
    return written;
  };
  const renewing = new Map<Digest, Promise<boolean>>();
  /** Once for all who ask at the same time: a base that many images stand on grows old for all of them at once. */
  const renew = (digest: Digest): Promise<boolean> => {
    const known = renewing.get(digest);
    if (known !== undefined) return known;
    const renewed = renewBlob(directory, digest, systemClock.now()).finally(() => renewing.delete(digest));
    renewing.set(digest, renewed);
    return renewed;
  };
  /** Whoever then does without writing it counts on it: an old one is renewed first. */
  const present = async ({ digest, size }: Written): Promise<boolean> => {
    const found = await statBlob(directory, digest);
    if (found?.size !== size) return false;
    return found.modified >= systemClock.now() - renewAfter || (await renew(digest));
  };
  const moveIn = async (path: string, written: Written): Promise<void> => {
    await renameInto(path, blobPath(directory, written.digest));
    syncOf(written.digest).touched();
  };
  /** Makes a file the blob it is, or removes it where the blob is there already. The folder is not synced yet. */
  const adopt = async (handle: FileHandle, path: string, written: Written): Promise<Written> => {
    if (await present(written)) {
      await rm(path, { force: true });
      return written;
    }
    await handle.sync();
    await moveIn(path, written);
    return written;
  };
  /** Runs a producer on a fresh scratch file; whatever goes wrong, nothing of it stays. The folder is not synced yet. */
  const aside = async (produce: (handle: FileHandle) => Promise<Written>): Promise<Written> => {
    let path: string | undefined;
    try {
      path = await scratchPath(directory);
      const handle = await open(path, 'wx+', 0o644);
      try {
        return await adopt(handle, path, await produce(handle));
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (path !== undefined) await rm(path, { force: true });
      throw asCodedError(error);
    }
  };
  const putUnsynced = async (bytes: Uint8Array, digest = digestOf(bytes)): Promise<Written> => {
    const written = { digest, size: bytes.length };
    if (await present(written)) return written;
    return aside(async (handle) => {
      await handle.writeFile(bytes);
      return written;
    });
  };

  const writeSmall = thread ? threadedBlobs() : undefined;
  /** Durable when it resolves. */
  const putDurable = async (bytes: Uint8Array, digest: Digest): Promise<Written> => {
    const written = { digest, size: bytes.length };
    if (writeSmall === undefined || bytes.length > SMALL_BLOB) return durable(await putUnsynced(bytes, digest));
    try {
      const target = blobPath(directory, digest);
      const scratch = join(scratchFolder(directory), ownerToken());
      const done = await writeSmall({ bytes, scratch, target, folder: dirname(target) });
      if (done?.kind === 'written') return written;
      if (done?.kind === 'present' && done.modified >= systemClock.now() - renewAfter) return written;
    } catch (error) {
      throw asCodedError(error);
    }
    return durable(await putUnsynced(bytes, digest));
  };
  const files = createFileUploads(directory, async (handle, path, written) =>
    durable(await adopt(handle, path, written)),
  );
  const uploads = ownUploads
    ? createMemoryUploads({ files, startFile: (owner, id) => createUploadFile(directory, owner, id), put: putDurable })
    : files;

  return {
    has: async (digest) => (await blobSize(directory, digest)) !== undefined,
    size: (digest) => blobSize(directory, digest),
    open: (digest, range) => openBlobFile(directory, digest, range),
    read: (digest, limit) => readBlobFile(directory, digest, limit),
    put: (bytes) => putDurable(bytes, digestOf(bytes)),
    putMany: async (blobs) => {
      const results = await inParallel(blobs, (bytes) => putUnsynced(bytes));
      await syncs.sha256.settled();
      return results;
    },
    write: async (content, expected) => durable(await aside((handle) => copyHashed(content, handle, expected))),
    scratch: async () =>
      createScratch(await scratchPath(directory), present, async (path, written) => {
        if (path !== undefined) await moveIn(path, written);
        return durable(written);
      }),
    delete: async (digest) => {
      try {
        await rm(blobPath(directory, digest));
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        throw asCodedError(error);
      }
    },
    renewAfter,
    stat: (digest) => statBlob(directory, digest),
    renew,
    deleteOld: (digests, before) => deleteOldBlobs(directory, digests, before),
    list: () => listBlobFiles(directory),
    localPath: (digest) => blobPath(directory, digest),
    uploads,
  };
}

/** The first failure stops the rest; resolves or rejects when nothing is running any more. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = new Array(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const mine = next++;
      try {
        results[mine] = await work(items[mine] as Item);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: PARALLEL_WRITES }, worker));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results;
}

/** The folder of an algorithm is made with its first blob: most layouts have no sha512. */
async function renameInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  }
}

async function copyHashed(
  content: UploadContent,
  handle: FileHandle,
  expected: Expected | undefined,
): Promise<Written> {
  const algorithm = expected === undefined ? 'sha256' : digestAlgorithm(expected.digest);
  const hash = createFileHash(algorithm);
  const admit = (size: number): void => {
    if (expected?.size !== undefined && size > expected.size) {
      throw lengthMismatch(expected.digest, expected.size, `more than ${expected.size}`);
    }
  };
  try {
    const size = await appendToFile(handle, content, { position: 0, hash, admit });
    const hex = (await hash.digest()) ?? (await hashHandle(handle, algorithm));
    return finishHash(hex, size, expected);
  } finally {
    hash.drop();
  }
}

function finishHash(hex: string, size: number, expected: Expected | undefined): Written {
  const algorithm = expected === undefined ? 'sha256' : digestAlgorithm(expected.digest);
  const digest: Digest = `${algorithm}:${hex}`;
  if (expected?.size !== undefined && size !== expected.size) {
    throw lengthMismatch(expected.digest, expected.size, String(size));
  }
  if (expected !== undefined && digest !== expected.digest) throw digestMismatch(expected.digest, digest);
  return { digest, size };
}

function createScratch(
  path: string,
  present: (written: Written) => Promise<boolean>,
  publish: (path: string | undefined, written: Written) => Promise<Written>,
): BlobScratch {
  const discard = (): Promise<void> => rm(path, { force: true });
  return {
    path,
    discard,
    commit: async (known) => {
      try {
        const { size } = await stat(path);
        if (known !== undefined && known.size !== size) throw lengthMismatch(known.digest, known.size, String(size));
        const written = known ?? (await hashFile(path));
        if (await present(written)) {
          await discard();
          return await publish(undefined, written);
        }
        const handle = await open(path, 'r+');
        try {
          await handle.sync();
        } finally {
          await handle.close();
        }
        return await publish(path, written);
      } catch (error) {
        await discard();
        throw asCodedError(error);
      }
    },
  };
}

async function hashFile(path: string): Promise<Written> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return finishHash(hash.digest('hex'), size, undefined);
}
