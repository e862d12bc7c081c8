import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readdir, rename, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../oci/index.ts';
import type { BlobStore } from './blob-store.ts';
import { openBlobStore } from './fs-blob-store.ts';
import { ownerToken } from './owner.ts';
import { STALLED_AFTER, uploadsFolder } from './upload-files.ts';

const code = (wanted: string) => (error: unknown) => (error as { code?: string }).code === wanted;

async function using(work: (store: BlobStore, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'uploads-'));
  try {
    await work(await openBlobStore(folder), folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function* once(bytes: Uint8Array | string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(bytes);
}

/** Makes the only upload look claimed by a process of another machine. */
async function claimElsewhere(folder: string): Promise<string> {
  const [name = ''] = await readdir(uploadsFolder(folder));
  const path = join(uploadsFolder(folder), `${name}.${ownerToken().replace(/^[0-9a-f]{12}/, '000000000000')}`);
  await rename(join(uploadsFolder(folder), name), path);
  return path;
}

test('a process killed while it writes leaves an upload that goes on', () =>
  using(async (store, folder) => {
    const { id } = await store.uploads.start('app');
    const script = `
      import { openBlobStore } from ${JSON.stringify(resolve(import.meta.dirname, 'fs-blob-store.ts'))};
      const store = await openBlobStore(process.argv[1]);
      async function* content() {
        yield Buffer.alloc(3_000_000, 'a');
        while ((await store.uploads.state('app', process.argv[2])).size < 3_000_000) await new Promise((r) => setTimeout(r, 5));
        process.kill(process.pid, 'SIGKILL');
        await new Promise((r) => setTimeout(r, 10_000));
      }
      await store.uploads.append('app', process.argv[2], content());`;
    const killed = spawnSync(process.execPath, ['--input-type=module', '-e', script, folder, id]);
    assert.equal(killed.signal, 'SIGKILL', String(killed.stderr));
    const after = await openBlobStore(folder);
    assert.equal((await after.uploads.state('app', id)).size, 3_000_000);
    const bytes = Buffer.concat([Buffer.alloc(3_000_000, 'a'), Buffer.from('the rest')]);
    await after.uploads.finish('app', id, once('the rest'), digestOf(bytes), { from: 3_000_000 });
    assert.deepEqual(await store.read(digestOf(bytes), bytes.length), bytes);
    assert.deepEqual(await readdir(uploadsFolder(folder)), []);
  }));

test('the claim of another machine holds while it moves; a stalled one is taken over, and its writer shut out', () =>
  using(async (store, folder) => {
    const { id } = await store.uploads.start('app');
    await store.uploads.append('app', id, once('kept '));
    const path = await claimElsewhere(folder);
    await assert.rejects(store.uploads.append('app', id, once('x')), code('STORAGE_UPLOAD_BUSY'));
    const sleeper = await open(path, 'r+');
    const longAgo = new Date(Date.now() - STALLED_AFTER - 1_000);
    await utimes(path, longAgo, longAgo);
    await store.uploads.append('app', id, once('and'));
    await sleeper.write('EVIL', 0);
    await sleeper.close();
    await store.uploads.finish('app', id, once(' added'), digestOf('kept and added'));
    assert.equal((await store.read(digestOf('kept and added'), 100)).toString(), 'kept and added');
  }));

test('abandoned claims expire with their uploads, those of the living do not', () =>
  using(async (store, folder) => {
    await store.uploads.start('app');
    const path = await claimElsewhere(folder);
    assert.equal(await store.uploads.expire(Date.now() - 60_000), 0);
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(path, longAgo, longAgo);
    assert.equal(await store.uploads.expire(Date.now() - 60_000), 1);
    assert.deepEqual(await readdir(uploadsFolder(folder)), []);
  }));

test('an upload whose file was changed behind our back does not become a blob', () =>
  using(async (store, folder) => {
    const { id } = await store.uploads.start('app');
    const bytes = randomBytes(100_000);
    await store.uploads.append('app', id, once(bytes));
    const [name = ''] = await readdir(uploadsFolder(folder));
    const file = await open(join(uploadsFolder(folder), name), 'a');
    await file.write('more');
    await file.close();
    await assert.rejects(store.uploads.finish('app', id, undefined, digestOf(bytes)), code('OCI_DIGEST_MISMATCH'));
  }));
