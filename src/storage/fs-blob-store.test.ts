import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { digestHex, digestOf } from '../oci/index.ts';
import { blobPath } from './blob-files.ts';
import { openBlobStore } from './fs-blob-store.ts';
import { ownerToken } from './owner.ts';
import { ABANDONED_AFTER } from './scratch-files.ts';

const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), 'blobs-'));

test('a changed or shortened blob file is noticed by every verifying reader', async () => {
  const folder = await temporary();
  try {
    const store = await openBlobStore(folder);
    const { digest } = await store.put(Buffer.from('the true bytes'));
    await writeFile(blobPath(folder, digest), 'the FALSE byte');
    await assert.rejects(store.read(digest, 100), { code: 'OCI_DIGEST_MISMATCH' });
    await assert.rejects(buffer(await store.open(digest)), { code: 'OCI_DIGEST_MISMATCH' });
    await writeFile(blobPath(folder, digest), 'torn');
    await store.put(Buffer.from('the true bytes'));
    assert.equal((await store.read(digest, 100)).toString(), 'the true bytes', 'a torn file is written anew');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a fifo or folder where a blob should be counts as missing and does not block', async () => {
  const folder = await temporary();
  try {
    const store = await openBlobStore(folder);
    execFileSync('mkfifo', [blobPath(folder, digestOf('a'))]);
    await mkdir(blobPath(folder, digestOf('b')));
    for (const name of ['a', 'b']) {
      await assert.rejects(store.open(digestOf(name)), { code: 'BLOB_MISSING' });
      assert.equal(await store.has(digestOf(name)), false);
    }
    assert.deepEqual(await Array.fromAsync(store.list()), []);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('opening removes scratch of the dead and the long abandoned, not of the living', async () => {
  const folder = await temporary();
  try {
    const living = await openBlobStore(folder);
    const scratch = await living.scratch();
    await writeFile(scratch.path, 'still being written');
    const script = `
      import { openBlobStore } from ${JSON.stringify(resolve(import.meta.dirname, 'fs-blob-store.ts'))};
      const store = await openBlobStore(process.argv[1]);
      const { writeFileSync } = await import('node:fs');
      writeFileSync((await store.scratch()).path, 'half');
      process.kill(process.pid, 'SIGKILL');`;
    const killed = spawnSync(process.execPath, ['--input-type=module', '-e', script, folder]);
    assert.equal(killed.signal, 'SIGKILL', String(killed.stderr));
    const elsewhere = ownerToken().replace(/^[0-9a-f]{12}/, '000000000000');
    const fresh = join(folder, '.scratch', elsewhere);
    await writeFile(fresh, 'another machine');
    const old = join(folder, '.scratch', 'who knows');
    await writeFile(old, 'old');
    const longAgo = new Date(Date.now() - ABANDONED_AFTER - 1_000);
    await utimes(old, longAgo, longAgo);
    assert.equal((await readdir(join(folder, '.scratch'))).length, 4);
    await openBlobStore(folder);
    assert.deepEqual(
      (await readdir(join(folder, '.scratch'))).sort(),
      [elsewhere, scratch.path.split('/').at(-1)].sort(),
    );
    await scratch.commit();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a full disk is DISK_FULL, keeps nothing and leaves the store valid', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('mounting a small file system needs root');
  const mount = await temporary();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount]).status !== 0) {
    await rm(mount, { recursive: true });
    return context.skip('mounting a small file system is not permitted here');
  }
  try {
    const store = await openBlobStore(mount);
    const kept = await store.put(randomBytes(500_000));
    await assert.rejects(store.write(Readable.from([randomBytes(1_000_000), randomBytes(1_000_000)])), {
      code: 'DISK_FULL',
    });
    await assert.rejects(store.put(randomBytes(1_900_000)), { code: 'DISK_FULL' });
    assert.deepEqual(await readdir(join(mount, '.scratch')), []);
    assert.deepEqual(await readdir(join(mount, 'blobs', 'sha256')), [digestHex(kept.digest)]);
    assert.equal((await store.read(kept.digest, 500_000)).length, 500_000);
    await store.put(randomBytes(1_000_000));
    assert.ok((await stat(join(mount, 'oci-layout'))).size > 0);
  } finally {
    execFileSync('umount', [mount]);
    await rm(mount, { recursive: true });
  }
});

test('opening what is a file, or a layout of another version, is a coded error', async () => {
  const folder = await temporary();
  try {
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(openBlobStore(join(folder, 'file')), { code: 'SYSTEM_ERROR' });
    await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"9.0.0"}');
    await assert.rejects(openBlobStore(folder), { code: 'STORAGE_LAYOUT_INVALID' });
  } finally {
    await rm(folder, { recursive: true });
  }
});
