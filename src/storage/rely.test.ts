import assert from 'node:assert/strict';
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { digestOf } from '../oci/index.ts';
import { openBlobStore, RENEW_AFTER, relyOn } from './index.ts';

const folder = await mkdtemp(join(tmpdir(), 'rely-'));
after(() => rm(folder, { recursive: true }));
const store = await openBlobStore(folder);
const old = (Date.now() - 2 * RENEW_AFTER) / 1_000;

test('a fresh blob is left alone, an old one is renewed, a missing one is missing', async () => {
  const { digest } = await store.put(Buffer.from('layer'));
  const written = await store.stat(digest);
  assert.equal(await relyOn(store, digest), 5);
  assert.equal((await store.stat(digest))?.modified, written?.modified);
  await utimes(store.localPath(digest) as string, old, old);
  assert.equal(await relyOn(store, digest), 5);
  assert.ok(((await store.stat(digest))?.modified ?? 0) > Date.now() - 60_000);
  assert.equal(await relyOn(store, digestOf('absent')), undefined);
});

test('writing what is there renews it, by whichever way', async () => {
  const bytes = Buffer.from('again');
  const { digest, size } = await store.put(bytes);
  const scratch = async () => {
    const file = await store.scratch();
    await (await import('node:fs/promises')).writeFile(file.path, bytes);
    await file.commit({ digest, size });
  };
  for (const write of [() => store.put(bytes), () => store.putMany([bytes]), scratch]) {
    await utimes(store.localPath(digest) as string, old, old);
    await write();
    assert.ok(((await store.stat(digest))?.modified ?? 0) > Date.now() - 60_000);
  }
});
