import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBlobStore } from '../../src/storage/index.ts';
import { blobStoreContract } from './blob-store.ts';

blobStoreContract('file system', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'));
  return {
    store: await openBlobStore(folder),
    remove: () => rm(folder, { recursive: true }),
    leftovers: () => readdir(join(folder, '.scratch')).catch(() => []),
  };
});
