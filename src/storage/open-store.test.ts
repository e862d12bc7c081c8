import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { homeAt } from '../base/index.ts';
import { openHomeStore, parseStorageUrl } from './open-store.ts';

test('a storage URL says bucket, prefix and how to reach them', () => {
  assert.deepEqual(parseStorageUrl('s3://images'), { bucket: 'images', prefix: '' });
  assert.deepEqual(
    parseStorageUrl(
      's3://images/team/a?endpoint=http://127.0.0.1:9000&region=eu-1&path-style=false&redirects=false' +
        '&encryption=aws:kms&encryption-key=k1',
    ),
    {
      bucket: 'images',
      prefix: 'team/a',
      endpoint: 'http://127.0.0.1:9000',
      region: 'eu-1',
      pathStyle: false,
      redirects: false,
      encryption: 'aws:kms',
      encryptionKey: 'k1',
    },
  );
});

test('what is none is STORAGE_URL_INVALID and quotes no secret', () => {
  for (const text of [
    '/var/lib/images',
    'https://images',
    's3://',
    's3://UP_per',
    's3://images/../other',
    's3://images/a b',
    's3://images?endpoint=ftp://x',
    's3://images?endpoint=http://user:secret@x',
    's3://images?redirects=maybe',
    's3://images?encryption=rot13',
    's3://images?colour=blue',
  ]) {
    assert.throws(() => parseStorageUrl(text), { code: 'STORAGE_URL_INVALID' }, text);
  }
  assert.throws(
    () => parseStorageUrl('s3://key:secret@images/x'),
    (error: Error) => !error.message.includes('secret'),
  );
});

test('a home without storage has its blobs in its folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'home-'));
  const store = await openHomeStore(homeAt(root));
  const { digest } = await store.put(Buffer.from('x'));
  assert.ok(store.localPath(digest)?.startsWith(join(root, 'store')));
  await rm(root, { recursive: true });
});
