import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlobStore, openBlobStore } from '../../src/storage/index.ts';
import { blobStoreContract } from './blob-store.ts';
import { blobUploadsContract } from './blob-uploads.ts';

async function fileSystem(): Promise<{
  store: BlobStore;
  again(): Promise<BlobStore>;
  remove(): Promise<void>;
  leftovers(): Promise<readonly string[]>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'));
  return {
    store: await openBlobStore(folder),
    again: () => openBlobStore(folder),
    remove: () => rm(folder, { recursive: true }),
    leftovers: () => readdir(join(folder, '.scratch')).catch(() => []),
  };
}

blobStoreContract('file system', fileSystem);
blobUploadsContract('file system', fileSystem);
