import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../src/oci/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { startRegistry } from './registry-process.ts';

test('an upload goes on through another registry on the same store, with its status', async () => {
  const first = await startRegistry();
  const store = await openBlobStore(join(first.folder, 'store'));
  const second = await startRegistry({ store, catalogue: first.catalogue });
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
  }
});
