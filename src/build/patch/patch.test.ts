import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog, silentProgress } from '../../base/index.ts';
import { type ImageManifest, MediaType, type ResolvedImage, serialize } from '../../oci/index.ts';
import { openBlobStore } from '../../storage/index.ts';
import { createLayerFactsReader } from '../layers/layer-facts.ts';
import { storeLayer } from '../layers/store-layer.ts';
import { patch } from './patch.ts';

test('an image without a package database is refused, and nothing is stored', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'patch-'));
  try {
    const store = await openBlobStore(join(folder, 'store'));
    const header = { path: 'app', type: 'file', mode: 0o755, uid: 0, gid: 0, size: 1, mtime: 0 } as const;
    const layer = await storeLayer([{ header, content: Buffer.from('x') }], MediaType.layerGzip, store);
    const config = {
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    } as const;
    const configBlob = await store.put(serialize(config));
    const manifest: ImageManifest = {
      schemaVersion: 2,
      mediaType: MediaType.manifest,
      config: { mediaType: MediaType.config, ...configBlob },
      layers: [layer.descriptor],
    };
    const manifestBytes = serialize(manifest);
    const { digest } = await store.put(manifestBytes);
    const image: ResolvedImage = {
      digest,
      mediaType: MediaType.manifest,
      manifestBytes,
      manifest,
      config,
      blobs: store,
    };
    const before = await Array.fromAsync(store.list());
    const tools = {
      store,
      layers: createLayerFactsReader(join(folder, 'facts')),
      packages: { fetchAll: async () => [] },
      plainPackages: join(folder, 'plain'),
      scratch: join(folder, 'scratch'),
      log: silentLog,
      progress: silentProgress,
    };
    await assert.rejects(patch({ image, upgrades: [], advisories: [], indexes: [], installed: [] }, tools), {
      code: 'PATCH_NO_DATABASE',
    });
    assert.deepEqual(await Array.fromAsync(store.list()), before);
  } finally {
    await rm(folder, { recursive: true });
  }
});
