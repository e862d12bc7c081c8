import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../src/oci/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { startRegistry } from './registry-process.ts';

test('an upload goes on through another registry on the same store, with its status', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'uploads-'));
  const first = await startRegistry({ store: await openBlobStore(folder) });
  const second = await startRegistry({ store: await openBlobStore(folder), catalogue: first.catalogue });
  try {
    const bytes = randomBytes(300_000);
    const begun = await fetch(`${first.url}/v2/team/app/blobs/uploads/`, { method: 'POST' });
    const location = begun.headers.get('location') ?? '';
    const body = bytes.subarray(0, 200_000);
    await fetch(`${first.url}${location}`, { method: 'PATCH', body, headers: { 'content-range': '0-199999' } });

    const status = await fetch(`${second.url}${location}`);
    assert.deepEqual([status.status, status.headers.get('range')], [204, '0-199999']);
    const stolen = await fetch(`${second.url}${location.replace('team/app', 'team/other')}`);
    assert.equal(stolen.status, 404);
    await first.fastify.close();
    const done = await fetch(`${second.url}${location}?digest=${digestOf(bytes)}`, {
      method: 'PUT',
      body: bytes.subarray(200_000),
      headers: { 'content-range': '200000-299999' },
    });
    assert.equal(done.status, 201, await done.text());
    const back = await fetch(`${second.url}/v2/team/app/blobs/${digestOf(bytes)}`);
    assert.deepEqual(Buffer.from(await back.arrayBuffer()), bytes);
    assert.equal((await fetch(`${second.url}${location}`)).status, 404);
  } finally {
    await second.close();
    await first.close();
    await rm(folder, { recursive: true });
  }
});

test('a small upload of a registry that alone takes them goes on after it has ended in good order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'uploads-'));
  const own = { thread: true, ownUploads: true };
  const first = await startRegistry({ store: await openBlobStore(folder, own) });
  const begun = await fetch(`${first.url}/v2/team/app/blobs/uploads/`, { method: 'POST' });
  const location = begun.headers.get('location') ?? '';
  await fetch(`${first.url}${location}`, { method: 'PATCH', body: 'one ' });
  await first.close();
  const second = await startRegistry({ store: await openBlobStore(folder, own), catalogue: first.catalogue });
  try {
    const status = await fetch(`${second.url}${location}`);
    assert.deepEqual([status.status, status.headers.get('range')], [204, '0-3']);
    const done = await fetch(`${second.url}${location}?digest=${digestOf('one two')}`, { method: 'PUT', body: 'two' });
    assert.equal(done.status, 201, await done.text());
  } finally {
    await second.close();
    await rm(folder, { recursive: true });
  }
});
