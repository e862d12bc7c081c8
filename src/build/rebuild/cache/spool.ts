import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../../oci/index.ts';

/** Bytes that one build may add to a cache. */
export const MAX_CACHE_BYTES = 16 * 1024 ** 3;

/** What a build wants to put into a cache: files beside it until it is known whether they may leave. */
export interface CacheSpool {
  begin(): Promise<string>;
  /** Undefined: no such upload. @returns bytes so far */
  append(upload: string, chunks: AsyncIterable<Uint8Array>): Promise<number | undefined>;
  /** False where the bytes are not what they are said to be. */
  finish(upload: string, digest: Digest): Promise<boolean>;
  size(digest: Digest): number | undefined;
  open(digest: Digest): AsyncIterable<Uint8Array>;
  readonly blobs: ReadonlyMap<Digest, number>;
}

interface Upload {
  readonly path: string;
  size: number;
}

export function openSpool(directory: string): CacheSpool {
  const uploads = new Map<string, Upload>();
  const blobs = new Map<Digest, number>();
  const pathOf = (digest: Digest): string => join(directory, digest.replace(':', '-'));
  let total = 0;
  return {
    blobs,
    size: (digest) => blobs.get(digest),
    open: (digest) => createReadStream(pathOf(digest)),
    async begin() {
      await mkdir(directory, { recursive: true });
      const id = randomUUID();
      uploads.set(id, { path: join(directory, id), size: 0 });
      return id;
    },
    async append(id, chunks) {
      const upload = uploads.get(id);
      if (upload === undefined) return undefined;
      const file = await open(upload.path, 'a');
      try {
        for await (const chunk of chunks) {
          total += chunk.byteLength;
          if (total > MAX_CACHE_BYTES) throw new Error(`a build may add at most ${MAX_CACHE_BYTES} bytes to a cache`);
          await file.writeFile(chunk);
          upload.size += chunk.byteLength;
        }
      } finally {
        await file.close();
      }
      return upload.size;
    },
    async finish(id, digest) {
      const upload = uploads.get(id);
      uploads.delete(id);
      if (upload === undefined) return false;
      // Without a byte there is no file yet.
      await (await open(upload.path, 'a')).close();
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(upload.path)) hash.update(chunk as Buffer);
      if (`sha256:${hash.digest('hex')}` !== digest) {
        await rm(upload.path, { force: true });
        return false;
      }
      await rename(upload.path, pathOf(digest));
      blobs.set(digest, upload.size);
      return true;
    },
  };
}
