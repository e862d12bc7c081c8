import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { asCodedError, systemClock } from '../../base/index.ts';
import { type Digest, digestAlgorithm } from '../../oci/index.ts';
import type { BlobScratch, BlobStore } from '../../storage/index.ts';
import { registryError } from '../errors.ts';
import type { RegistryLimits } from './limits.ts';

interface Upload {
  readonly id: string;
  readonly repository: string;
  readonly scratch: BlobScratch;
  readonly handle: FileHandle;
  /** sha256 of the bytes so far: hashing at the end would read them all again. */
  readonly hash: Hash;
  size: number;
  /** A request is writing to it. */
  busy: boolean;
  touched: number;
}

export interface UploadState {
  readonly id: string;
  readonly size: number;
}

/** Uploads under way in this process, each a scratch file of the store. They do not survive the process. */
export interface Uploads {
  /** @throws REGISTRY_TOOMANYREQUESTS, DISK_FULL */
  start(repository: string): Promise<UploadState>;
  /** @throws REGISTRY_BLOB_UPLOAD_UNKNOWN */
  state(repository: string, id: string): UploadState;
  /**
   * Adds bytes at the end. When the connection breaks, what came before stays and `state` says how much.
   * @throws REGISTRY_RANGE_INVALID where `from` is given and is not the end, REGISTRY_SIZE_INVALID
   */
  append(repository: string, id: string, content: Readable | undefined, from?: number): Promise<UploadState>;
  /** Adds the last bytes, checks the digest and makes a blob of it; the upload is over, also when this fails. */
  finish(
    repository: string,
    id: string,
    content: Readable | undefined,
    digest: Digest,
    from?: number,
  ): Promise<{ digest: Digest; size: number }>;
  cancel(repository: string, id: string): Promise<void>;
  /** Drops what nobody touched for `limits.uploadExpiry`; returns how many. */
  expire(now?: number): Promise<number>;
  close(): Promise<void>;
}

export function createUploads(store: BlobStore, limits: RegistryLimits): Uploads {
  const uploads = new Map<string, Upload>();

  const find = (repository: string, id: string): Upload => {
    const upload = uploads.get(id);
    if (upload?.repository === repository) return upload;
    throw registryError('REGISTRY_BLOB_UPLOAD_UNKNOWN', 'no such upload: it is finished, expired or never began', {
      details: { upload: id.slice(0, 100) },
    });
  };
  const drop = async (upload: Upload): Promise<void> => {
    uploads.delete(upload.id);
    await upload.handle.close().catch(() => undefined);
    await upload.scratch.discard();
  };
  /** One request at a time: two writers would interleave. */
  const exclusively = async <T>(upload: Upload, work: () => Promise<T>): Promise<T> => {
    if (upload.busy) {
      throw registryError('REGISTRY_BLOB_UPLOAD_INVALID', 'another request is writing to this upload');
    }
    upload.busy = true;
    try {
      return await work();
    } finally {
      upload.busy = false;
      upload.touched = systemClock.now();
    }
  };
  const write = async (upload: Upload, content: Readable | undefined, from: number | undefined): Promise<void> => {
    if (from !== undefined && from !== upload.size) {
      throw registryError('REGISTRY_RANGE_INVALID', `the next byte is ${upload.size}, not ${from}`, {
        details: { size: upload.size },
      });
    }
    for await (const chunk of chunksOf(content)) {
      if (upload.size + chunk.length > limits.blobBytes) {
        await drop(upload);
        throw registryError('REGISTRY_SIZE_INVALID', `a blob may have at most ${limits.blobBytes} bytes here`);
      }
      for (let done = 0; done < chunk.length; ) {
        done += (await upload.handle.write(chunk, done, chunk.length - done, upload.size + done)).bytesWritten;
      }
      upload.hash.update(chunk);
      upload.size += chunk.length;
      upload.touched = systemClock.now();
    }
  };
  const finished = async (upload: Upload, digest: Digest): Promise<{ digest: Digest; size: number }> => {
    const found = digestAlgorithm(digest) === 'sha256' ? upload.hash.digest('hex') : await hashFile(upload, digest);
    if (`${digestAlgorithm(digest)}:${found}` !== digest) {
      throw registryError('REGISTRY_DIGEST_INVALID', `the bytes do not hash to ${digest}`, { details: { digest } });
    }
    await upload.handle.close();
    return upload.scratch.commit({ digest, size: upload.size });
  };

  return {
    async start(repository) {
      if (uploads.size >= limits.uploads) {
        throw registryError('REGISTRY_TOOMANYREQUESTS', `${uploads.size} uploads are under way; try again later`);
      }
      const scratch = await store.scratch();
      const id = randomUUID();
      let handle: FileHandle;
      try {
        handle = await open(scratch.path, 'wx+', 0o644);
      } catch (error) {
        throw asCodedError(error);
      }
      const upload: Upload = {
        id,
        repository,
        scratch,
        handle,
        hash: createHash('sha256'),
        size: 0,
        busy: false,
        touched: systemClock.now(),
      };
      uploads.set(id, upload);
      return upload;
    },
    state: find,
    async append(repository, id, content, from) {
      const upload = find(repository, id);
      try {
        await exclusively(upload, () => write(upload, content, from));
      } catch (error) {
        throw asCodedError(error);
      }
      return upload;
    },
    async finish(repository, id, content, digest, from) {
      const upload = find(repository, id);
      return exclusively(upload, async () => {
        try {
          await write(upload, content, from);
          return await finished(upload, digest);
        } catch (error) {
          throw asCodedError(error);
        } finally {
          await drop(upload);
        }
      });
    },
    async cancel(repository, id) {
      await drop(find(repository, id));
    },
    async expire(now = systemClock.now()) {
      const old = [...uploads.values()].filter(({ busy, touched }) => !busy && now - touched > limits.uploadExpiry);
      await Promise.all(old.map(drop));
      return old.length;
    },
    async close() {
      await Promise.all([...uploads.values()].map(drop));
    },
  };
}

/** Leaves the stream alone when the loop ends early: destroying a request takes its connection and our answer with it. */
export function chunksOf(content: Readable | undefined): AsyncIterable<Buffer> {
  return (content ?? Readable.from([])).iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

async function hashFile(upload: Upload, digest: Digest): Promise<string> {
  const hash = createHash(digestAlgorithm(digest));
  for await (const chunk of createReadStream(upload.scratch.path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
