import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { digestOf } from '../../src/oci/index.ts';
import { collectGarbage } from '../../src/registry/maintenance/collect.ts';
import { openS3BlobStore } from '../../src/storage/index.ts';
import { blobStoreContract } from '../contract/blob-store.ts';
import { blobUploadsContract } from '../contract/blob-uploads.ts';
import { startFaultyProxy } from '../support/faulty-proxy.ts';
import { registryWorld } from '../support/registry-world.ts';
import { startSwift } from '../support/swift.ts';
import { startRegistry } from './registry-process.ts';

const BUCKET = 'heraklit';
const server = await startSwift(BUCKET);
if (server === undefined) {
  test('blobs and uploads on S3', (context) => context.skip('swift not installed'));
} else {
  const { endpoint, credentials, client } = server;
  after(async () => {
    await server.stop();
    await rm(scratchFolder, { recursive: true });
  });

  /** An empty store under a prefix of its own. */
  const create = async () => {
    const prefix = randomUUID();
    const scratch = await mkdtemp(join(tmpdir(), 's3-'));
    const open = () => openS3BlobStore({ bucket: BUCKET, prefix, endpoint, credentials, scratch });
    return {
      store: await open(),
      again: open,
      remove: () => rm(scratch, { recursive: true }),
      async leftovers() {
        const named = { Bucket: BUCKET, Prefix: `${prefix}/` };
        const { Contents = [] } = await client.send(new ListObjectsV2Command(named));
        const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand(named));
        const other = Contents.filter(({ Key = '' }) => !/^[^/]+\/(blobs|uploads)\//.test(Key));
        const open = Uploads.filter(({ Key = '' }) => !Key.startsWith(`${prefix}/uploads/`));
        const files = await readdir(join(scratch, '.scratch')).catch(() => []);
        return [...other, ...open].map(({ Key = '' }) => Key).concat(files);
      },
    };
  };

  const scratchFolder = await mkdtemp(join(tmpdir(), 's3-'));
  const options = { bucket: BUCKET, prefix: 'errors', endpoint, credentials, scratch: scratchFolder };
  const code = (wanted: string) => (error: unknown) => (error as { code?: string }).code === wanted;

  test('what is wrong with bucket, credentials and network is said when the store is opened', async () => {
    await assert.rejects(openS3BlobStore({ ...options, bucket: 'not-there' }), code('STORAGE_S3_BUCKET'));
    const wrong = { ...credentials, secretAccessKey: 'wrong' };
    await assert.rejects(openS3BlobStore({ ...options, credentials: wrong }), code('STORAGE_S3_DENIED'));
    const down = { ...options, endpoint: 'http://127.0.0.1:9', attempts: 2 };
    await assert.rejects(openS3BlobStore(down), code('STORAGE_S3_UNAVAILABLE'));
    await assert.rejects(openS3BlobStore({ ...options, bucket: 'No Bucket' }), code('STORAGE_S3_REFUSED'));
  });

  test('answers of 503, silence and bodies that break off are tried again, and no part stays behind', async () => {
    const proxy = await startFaultyProxy(endpoint);
    const folder = await mkdtemp(join(tmpdir(), 's3-'));
    try {
      const prefix = randomUUID();
      const faulty = { ...options, prefix, endpoint: proxy.endpoint, scratch: folder, attempts: 5, timeout: 10_000 };
      const store = await openS3BlobStore(faulty);
      const bytes = randomBytes(17_000_000);
      const digest = digestOf(bytes);
      let requests = 0;
      proxy.fault = () => (requests++ % 2 === 0 ? 'refuse' : undefined);
      await store.write(Readable.from([bytes]), { digest, size: bytes.length });
      let broken = 0;
      proxy.fault = ({ method }) => {
        broken += method === 'GET' ? 1 : 0;
        return broken > 0 && broken < 3 ? 'cut' : undefined;
      };
      assert.deepEqual(await store.read(digest, bytes.length), bytes);
      assert.ok(broken >= 3);
      proxy.fault = ({ url = '' }) => (url.includes('partNumber=2') ? 'silence' : undefined);
      const other = randomBytes(17_000_000);
      const hasty = await openS3BlobStore({ ...faulty, attempts: 1, timeout: 2_000 });
      await assert.rejects(
        hasty.write(Readable.from([other.subarray(0, 9_000_000), other.subarray(9_000_000)])),
        code('STORAGE_S3_UNAVAILABLE'),
      );
      proxy.fault = () => undefined;
      const { Uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: `${prefix}/` }),
      );
      assert.deepEqual(Uploads, []);
      assert.equal(await store.has(digestOf(other)), false);
    } finally {
      proxy.stop();
      await rm(folder, { recursive: true });
    }
  });

  test('parts that a dead process left are removed when they are old', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 's3-'));
    const prefix = randomUUID();
    const store = await openS3BlobStore({ ...options, prefix, scratch });
    const named = { Bucket: BUCKET, Key: `${prefix}/blobs/sha256/${'0'.repeat(64)}` };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(named));
    await client.send(new UploadPartCommand({ ...named, UploadId, PartNumber: 1, Body: Buffer.alloc(10) }));
    await store.uploads.expire(Date.now() - 60_000);
    const count = async (): Promise<number> => {
      const { Uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: `${prefix}/` }),
      );
      return Uploads.length;
    };
    assert.equal(await count(), 1);
    await store.uploads.expire(Date.now() + 60_000);
    assert.equal(await count(), 0);
    await rm(scratch, { recursive: true });
  });

  test('a redirect is a URL that anybody can fetch for a while, and can be turned off', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 's3-'));
    const store = await openS3BlobStore({ ...options, scratch });
    const { digest } = await store.put(Buffer.from('fetched directly'));
    const answer = await fetch((await store.redirect?.(digest)) ?? '');
    assert.equal(await answer.text(), 'fetched directly');
    assert.equal((await openS3BlobStore({ ...options, scratch, redirects: false })).redirect, undefined);
    await rm(scratch, { recursive: true });
  });

  test('the registry sends pulls to the bucket, and takes chunks through any process', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 's3-'));
    const prefix = randomUUID();
    const open = () => openS3BlobStore({ ...options, prefix, scratch });
    const first = await startRegistry({ store: await open() });
    const second = await startRegistry({ store: await open(), catalogue: first.catalogue });
    const direct = await startRegistry({
      store: await openS3BlobStore({ ...options, prefix, scratch, redirects: false }),
      catalogue: first.catalogue,
    });
    try {
      const bytes = randomBytes(9_000_000);
      const digest = digestOf(bytes);
      const { headers } = await fetch(`${first.url}/v2/app/blobs/uploads/`, { method: 'POST' });
      const location = headers.get('location') ?? '';
      await fetch(`${first.url}${location}`, { method: 'PATCH', body: bytes.subarray(0, 8_900_000) });
      const status = await fetch(`${second.url}${location}`);
      assert.equal(status.headers.get('range'), '0-8899999');
      const put = { method: 'PUT', body: bytes.subarray(8_900_000) };
      assert.equal((await fetch(`${second.url}${location}?digest=${digest}`, put)).status, 201);
      const path = `/v2/app/blobs/${digest}`;
      const sent = await fetch(`${first.url}${path}`, { redirect: 'manual' });
      assert.equal(sent.status, 307);
      assert.ok(sent.headers.get('location')?.startsWith(endpoint));
      assert.equal((await fetch(`${first.url}${path}`, { method: 'HEAD' })).headers.get('content-length'), '9000000');
      for (const { url } of [first, direct]) {
        assert.deepEqual(Buffer.from(await (await fetch(`${url}${path}`)).arrayBuffer()), bytes);
      }
      const part = await fetch(`${direct.url}${path}`, { headers: { range: 'bytes=5-9' } });
      assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(5, 10));
    } finally {
      for (const one of [first, second, direct]) await one.close();
      await rm(scratch, { recursive: true });
    }
  });

  test('collection frees what nothing names, while pushes count on what is old', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 's3-'));
    // A server's times of change cannot be set back: what counts as old is a few seconds instead of hours.
    const grace = 2_000;
    const store = await openS3BlobStore({ ...options, prefix: randomUUID(), scratch, renewAfter: grace / 2 });
    const world = await registryWorld({ store });
    const collect = (dryRun: boolean) => collectGarbage({ database: world.database, store, grace, dryRun });
    try {
      const kept = await world.image('a/app', 'v1', ['shared', 'kept']);
      const gone = await world.image('a/app', 'v2', ['shared', 'gone', 'wanted again']);
      const junk = await world.blob('junk');
      await world.catalogue.deleteManifest('a/app', gone.digest);
      const old = async (): Promise<boolean> =>
        (await Array.fromAsync(store.list())).every(({ modified }) => modified < Date.now() - 2 * grace);
      while (!(await old())) await sleep(200);
      await world.age();
      const told = await collect(true);
      assert.deepEqual([told.freed.blobs, told.kept.recent.blobs], [5, 0]);
      const [real, late] = await Promise.all([
        collect(false),
        world.image('late/app', 'v1', ['wanted again', 'new layer']),
      ]);
      for (const name of ['shared', 'kept', 'wanted again', 'new layer']) {
        assert.ok(await store.has(digestOf(name)), name);
      }
      for (const { digest } of [kept, late]) assert.ok(await store.has(digest));
      for (const digest of [gone.digest, junk.digest, digestOf('gone')]) assert.equal(await store.has(digest), false);
      // "wanted again" either was renewed in time or went and was stored again.
      assert.ok(real.freed.blobs === 4 || real.freed.blobs === 5, JSON.stringify(real));
      assert.equal((await collect(false)).freed.blobs, 0);
    } finally {
      await world.close();
      await rm(scratch, { recursive: true });
    }
  });

  describe('on Swift', { concurrency: 2 }, () => {
    blobStoreContract('S3', create);
    blobUploadsContract('S3', create, { clockStep: 2_000 });
  });
}
