import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlobStore, type BlobStoreOptions, openBlobStore } from '../../src/storage/index.ts';
import { blobStoreContract } from './blob-store.ts';
import { blobUploadsContract } from './blob-uploads.ts';

async function fileSystem(options?: BlobStoreOptions): Promise<{
  store: BlobStore;
  again(): Promise<BlobStore>;
  remove(): Promise<void>;
  leftovers(): Promise<readonly string[]>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'));
  const store = await openBlobStore(folder, options);
  return {
    store,
    // Where uploads are the process's own, there is no other one that could go on with them.
    again: () => (options?.ownUploads === true ? Promise.resolve(store) : openBlobStore(folder, options)),
    remove: () => rm(folder, { recursive: true }),
    leftovers: () => readdir(join(folder, '.scratch')).catch(() => []),
  };
}

blobStoreContract('file system', fileSystem);
blobUploadsContract('file system', fileSystem);
const server = { thread: true, ownUploads: true };
blobStoreContract('file system of a server', () => fileSystem(server));
blobUploadsContract('file system of a server', () => fileSystem(server));
