import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../../base/index.ts';
import { rebuildError } from '../errors.ts';

export interface Kept {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** Bytes by what they hash to, in a folder of the home that only the user empties: locks count on it. */
export interface ContentStore {
  size(sha256: string): Promise<number | undefined>;
  path(sha256: string): string;
  open(sha256: string): AsyncIterable<Uint8Array>;
  /** Writes aside, hashes, syncs, renames; what fails on the way leaves nothing. */
  begin(): Promise<ContentWriter>;
}

export interface ContentWriter {
  write(chunk: Uint8Array): Promise<void>;
  /** @throws REBUILD_SNAPSHOT_MISSING where the bytes are not what was expected */
  commit(expected?: string): Promise<Kept>;
  discard(): Promise<void>;
}

export function openContentStore(directory: string): ContentStore {
  const path = (sha256: string): string => join(directory, 'sha256', sha256.slice(0, 2), sha256);
  return {
    path,
    size: async (sha256) => (await stat(path(sha256)).catch(() => undefined))?.size,
    open: (sha256) => createReadStream(path(sha256)),
    async begin() {
      const aside = join(directory, 'partial', randomUUID());
      await mkdir(join(directory, 'partial'), { recursive: true });
      const file = await open(aside, 'wx');
      const hash = createHash('sha256');
      let size = 0;
      const discard = async (): Promise<void> => {
        await file.close().catch(() => undefined);
        await rm(aside, { force: true });
      };
      return {
        discard,
        async write(chunk) {
          hash.update(chunk);
          size += chunk.byteLength;
          await file.writeFile(chunk);
        },
        async commit(expected) {
          const sha256 = hash.digest('hex');
          if (expected !== undefined && expected !== sha256) {
            await discard();
            throw rebuildError('REBUILD_SNAPSHOT_MISSING', `expected sha256 ${expected}, got ${sha256}`);
          }
          await file.datasync();
          await file.close();
          const target = path(sha256);
          await mkdir(join(target, '..'), { recursive: true });
          await rename(aside, target);
          await syncDirectory(join(target, '..'));
          return { sha256, size };
        },
      };
    },
  };
}
