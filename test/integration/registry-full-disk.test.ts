import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../src/oci/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { openImage, saveImage } from '../../src/transport/index.ts';
import { startRegistry } from './registry-process.ts';
import { sampleImage } from './sample-image.ts';

test('a full disk: pushes answer 503, saves are DISK_FULL, and what was there still works', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('mounting a small file system needs root');
  const mount = await mkdtemp(join(tmpdir(), 'full-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount]).status !== 0) {
    await rm(mount, { recursive: true });
    return context.skip('mounting a small file system is not permitted here');
  }
  const registry = await startRegistry({ store: await openBlobStore(join(mount, 'store')) });
  const reference = {
    kind: 'docker',
    registry: registry.host,
    repository: 'app',
    tag: 'v1',
    digest: undefined,
  } as const;
  const options = { registry: { credentials: 'anonymous', retry: { attempts: 1, delay: 1 } } } as const;
  try {
    await saveImage(sampleImage(), reference, options);
    const big = randomBytes(3_000_000);
    const push = `${registry.url}/v2/app/blobs/uploads/?digest=${digestOf(big)}`;
    const answer = await fetch(push, { method: 'POST', body: big, signal: AbortSignal.timeout(20_000) });
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /"code":"UNAVAILABLE"/);
    assert.deepEqual(await readdir(join(mount, 'store/.scratch')), []);

    const filler = await registry.store.put(randomBytes(1_900_000));
    const opened = await openImage(reference, options);
    assert.equal(opened.manifest.layers.length, 3);
    for (const [name, kind] of [
      ['a.tar', 'oci-archive'],
      ['b.tar', 'docker-archive'],
    ] as const) {
      const padded = { ...opened, manifestBytes: Buffer.concat([opened.manifestBytes, Buffer.alloc(600_000, ' ')]) };
      const target = { kind, file: join(mount, name), tag: undefined } as const;
      await assert.rejects(saveImage(padded, target), { code: 'DISK_FULL' }, name);
    }
    await opened.close();
    assert.deepEqual(await readdir(mount), ['store']);
    await registry.store.delete(filler.digest);
    assert.equal((await fetch(`${registry.url}/v2/app/manifests/v1`)).status, 200);
    await saveImage(sampleImage('after'), { ...reference, tag: 'v2' }, options);
  } finally {
    await registry.close();
    execFileSync('umount', [mount]);
    await rm(mount, { recursive: true });
  }
});
