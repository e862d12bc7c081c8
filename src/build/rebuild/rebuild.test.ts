import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { isHeraklitError, silentLog } from '../../base/index.ts';
import type { ImageConfig } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import { createBuildah } from './drivers/buildah.ts';
import { completeHistory, hasHonestHistory } from './history.ts';
import { rebuild } from './rebuild.ts';
import { openContentStore } from './snapshot/content-store.ts';
import { verifyResources } from './snapshot/verify.ts';

test('a machine without a builder says what is missing, before anything is fetched', async () => {
  const builder = createBuildah('/nonexistent');
  const attempt = rebuild(
    {
      dockerfile: 'FROM scratch',
      context: tmpdir(),
      name: 'Dockerfile',
      platform: { os: 'linux', architecture: 'amd64' },
      mode: 'auto',
    },
    {
      builder: { ...builder, missing: () => 'buildah is not installed' },
      store: {} as BlobStore,
      content: openContentStore('/nonexistent'),
      cache: '/nonexistent',
      scratch: '/nonexistent',
      log: silentLog,
      keyrings: [],
      base: () => assert.fail('no base is asked for'),
      route: (url) => [url],
    },
  );
  await assert.rejects(
    attempt,
    (error) => isHeraklitError(error, 'REBUILD_BUILDER_MISSING') && error.message.includes('buildah is not installed'),
  );
});

test('metadata of any size is not read into memory', async () => {
  const release = {
    url: 'http://mirror.example.com/dists/x/InRelease',
    size: 2 ** 40,
    sha256: 'a'.repeat(64),
    by: 'nobody',
  };
  await assert.rejects(verifyResources([release], openContentStore('/nonexistent'), [], silentLog), (error) =>
    isHeraklitError(error, 'REBUILD_SNAPSHOT_LIMIT'),
  );
});

test('a history that misses layers at the bottom gets entries for them', () => {
  const rootfs = { type: 'layers', diff_ids: ['sha256:a', 'sha256:b'] } as unknown as ImageConfig['rootfs'];
  const history = [{ created_by: 'ENV', empty_layer: true }, { created_by: 'RUN' }];
  const config = { architecture: 'amd64', os: 'linux', rootfs, history };
  assert.equal(hasHonestHistory(config), false);
  assert.equal(hasHonestHistory({ ...config, history: [] }), true);
  const complete = completeHistory(history, 2);
  assert.equal(hasHonestHistory({ ...config, history: complete }), true);
  assert.deepEqual(complete.slice(1), history);
  assert.deepEqual(completeHistory(complete, 2), complete);
});
