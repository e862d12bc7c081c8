import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../oci/index.ts';
import { openBlobStore } from './fs-blob-store.ts';

async function* whole(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

test('an upload whose connection breaks while the store is suspended goes on in the next process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'memory-uploads-'));
  try {
    const store = await openBlobStore(folder, { ownUploads: true });
    const { id } = await store.uploads.start('app');
    const taken = Promise.withResolvers<void>();
    const connection = Promise.withResolvers<void>();
    const cut = async function* () {
      yield Buffer.from('one ');
      taken.resolve();
      await connection.promise;
    };
    const broken = assert.rejects(store.uploads.append('app', id, cut()), /reset/);
    await taken.promise;
    const idle = await store.uploads.start('app');
    const suspended = store.uploads.suspend?.();
    connection.reject(new Error('reset'));
    await Promise.all([broken, suspended]);
    const late = await store.uploads.start('app');

    const { uploads } = await openBlobStore(folder, { ownUploads: true });
    assert.equal((await uploads.state('app', id)).size, 4);
    assert.equal((await uploads.state('app', idle.id)).size, 0);
    assert.equal((await uploads.state('app', late.id)).size, 0);
    const digest = digestOf('one two');
    assert.deepEqual(await uploads.finish('app', id, whole('two'), digest, { from: 4 }), { digest, size: 7 });
  } finally {
    await rm(folder, { recursive: true });
  }
});
