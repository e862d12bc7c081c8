import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf } from '../../src/oci/index.ts';
import type { BlobStore } from '../../src/storage/index.ts';

const MIB = 1024 * 1024;

/**
 * What uploads of every blob store promise. `create` gives an empty store, `again` the same one as another process
 * opens it, and `leftovers` names what is neither a blob nor an upload.
 */
export function blobUploadsContract(
  name: string,
  create: () => Promise<{
    store: BlobStore;
    again(): Promise<BlobStore>;
    remove(): Promise<void>;
    leftovers(): Promise<readonly string[]>;
  }>,
  /** What the store cuts off a time, in ms. */
  { clockStep = 0 }: { readonly clockStep?: number } = {},
): void {
  const using = async (work: (store: BlobStore, again: () => Promise<BlobStore>) => Promise<void>): Promise<void> => {
    const { store, again, remove, leftovers } = await create();
    try {
      await work(store, again);
      assert.deepEqual(await leftovers(), [], 'nothing else stays');
    } finally {
      await remove();
    }
  };
  const code = (wanted: string) => (error: unknown) => (error as { code?: string }).code === wanted;
  const whole = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  };
  const blobs = async (store: BlobStore): Promise<number> => (await Array.fromAsync(store.list())).length;
  const uploads = async (store: BlobStore): Promise<number> => (await Array.fromAsync(store.uploads.list())).length;

  describe(`blob uploads contract: ${name}`, () => {
    test('chunks become one blob, which is visible only at the end', () =>
      using(async (store) => {
        // More than two parts of an S3 multipart upload, and chunk ends at odd places.
        const bytes = randomBytes(11 * MIB + 17);
        const { id, size } = await store.uploads.start('team/app');
        assert.equal(size, 0);
        const ends = [1, 3 * MIB + 5, 9 * MIB, bytes.length];
        let from = 0;
        for (const end of ends.slice(0, -1)) {
          const state = await store.uploads.append('team/app', id, whole(bytes.subarray(from, end)), { from });
          assert.equal(state.size, end);
          assert.equal((await store.uploads.state('team/app', id)).size, end);
          from = end;
        }
        assert.equal(await blobs(store), 0);
        assert.equal(await uploads(store), 1);
        const digest = digestOf(bytes);
        const written = await store.uploads.finish('team/app', id, whole(bytes.subarray(from)), digest, { from });
        assert.deepEqual(written, { digest, size: bytes.length });
        assert.deepEqual(await store.read(digest, bytes.length), bytes);
        assert.equal(await uploads(store), 0);
        await assert.rejects(store.uploads.state('team/app', id), code('STORAGE_UPLOAD_UNKNOWN'));
      }));

    test('another process goes on with an upload, and each hashes what it did not see', () =>
      using(async (store, again) => {
        const other = await again();
        const bytes = randomBytes(6 * MIB + 1);
        const { id } = await store.uploads.start('app');
        await store.uploads.append('app', id, whole(bytes.subarray(0, 1_000)));
        assert.equal((await other.uploads.state('app', id)).size, 1_000);
        await other.uploads.append('app', id, whole(bytes.subarray(1_000, 5_500_000)));
        await store.uploads.append('app', id, whole(bytes.subarray(5_500_000, 6_000_000)), { from: 5_500_000 });
        await other.uploads.finish('app', id, whole(bytes.subarray(6_000_000)), digestOf(bytes));
        assert.deepEqual(await store.read(digestOf(bytes), bytes.length), bytes);
        await assert.rejects(store.uploads.append('app', id, undefined), code('STORAGE_UPLOAD_UNKNOWN'));
      }));

    test('an upload in one piece, one of nothing, and one by sha512', () =>
      using(async (store) => {
        const bytes = randomBytes(70_000);
        const sha512 = `sha512:${createHash('sha512').update(bytes).digest('hex')}` as const;
        for (const [content, digest] of [
          [bytes, digestOf(bytes)],
          [new Uint8Array(), digestOf('')],
          [bytes, sha512],
        ] as const) {
          const { id } = await store.uploads.start('app');
          await store.uploads.finish('app', id, content.length === 0 ? undefined : whole(content), digest);
          assert.deepEqual(new Uint8Array(await store.read(digest, 70_000)), new Uint8Array(content));
        }
      }));

    test('no other owner, no other id, no path', () =>
      using(async (store) => {
        const { id } = await store.uploads.start('team/app');
        for (const [owner, which] of [
          ['team/other', id],
          ['team/app', `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`],
          ['team/app', '../../index.json'],
          ['team/app', ''],
          ['team/app', `${id}/../${id}`],
          ['team/app', 'x'.repeat(10_000)],
        ] as const) {
          await assert.rejects(store.uploads.state(owner, which), code('STORAGE_UPLOAD_UNKNOWN'));
          await assert.rejects(store.uploads.append(owner, which, undefined), code('STORAGE_UPLOAD_UNKNOWN'));
          await assert.rejects(store.uploads.cancel(owner, which), code('STORAGE_UPLOAD_UNKNOWN'));
        }
        await store.uploads.cancel('team/app', id);
        await assert.rejects(store.uploads.cancel('team/app', id), code('STORAGE_UPLOAD_UNKNOWN'));
      }));

    test('a chunk out of order is refused and changes nothing', () =>
      using(async (store) => {
        const { id } = await store.uploads.start('app');
        await store.uploads.append('app', id, whole(Buffer.from('first ')), { from: 0 });
        for (const from of [0, 5, 7, 10 * MIB]) {
          await assert.rejects(
            store.uploads.append('app', id, whole(Buffer.from('x')), { from }),
            code('STORAGE_UPLOAD_OFFSET'),
          );
          await assert.rejects(
            store.uploads.finish('app', id, whole(Buffer.from('x')), digestOf('x'), { from }),
            code('STORAGE_UPLOAD_OFFSET'),
          );
        }
        const digest = digestOf('first second');
        await store.uploads.finish('app', id, whole(Buffer.from('second')), digest, { from: 6 });
        assert.ok(await store.has(digest));
      }));

    test('wrong bytes are OCI_DIGEST_MISMATCH, and the upload is over', () =>
      using(async (store) => {
        const { id } = await store.uploads.start('app');
        await store.uploads.append('app', id, whole(randomBytes(6 * MIB)));
        await assert.rejects(
          store.uploads.finish('app', id, undefined, digestOf('something else')),
          code('OCI_DIGEST_MISMATCH'),
        );
        await assert.rejects(store.uploads.state('app', id), code('STORAGE_UPLOAD_UNKNOWN'));
        assert.equal(await blobs(store), 0);
        assert.equal(await uploads(store), 0);
      }));

    test('more than the limit is STORAGE_UPLOAD_TOO_LARGE, and the upload is over', () =>
      using(async (store) => {
        const { id } = await store.uploads.start('app');
        await store.uploads.append('app', id, whole(Buffer.alloc(600)), { limit: 1_000 });
        await assert.rejects(
          store.uploads.append('app', id, whole(Buffer.alloc(401)), { limit: 1_000 }),
          code('STORAGE_UPLOAD_TOO_LARGE'),
        );
        await assert.rejects(store.uploads.state('app', id), code('STORAGE_UPLOAD_UNKNOWN'));
      }));

    test('content that breaks off keeps what came, also at the end, and the upload goes on', () =>
      using(async (store) => {
        const bytes = randomBytes(7 * MIB);
        const broken = async function* (from: number, to: number): AsyncGenerator<Uint8Array> {
          yield* whole(bytes.subarray(from, to));
          throw new Error('connection lost');
        };
        const { id } = await store.uploads.start('app');
        await assert.rejects(store.uploads.append('app', id, broken(0, 5_900_000)), /connection lost/);
        const kept = (await store.uploads.state('app', id)).size;
        assert.equal(kept, 5_900_000);
        await assert.rejects(
          store.uploads.finish('app', id, broken(kept, 6_100_000), digestOf(bytes), { from: kept }),
          /connection lost/,
        );
        const { size } = await store.uploads.state('app', id);
        await store.uploads.finish('app', id, whole(bytes.subarray(size)), digestOf(bytes), { from: size });
        assert.deepEqual(await store.read(digestOf(bytes), bytes.length), bytes);
      }));

    test('one writer at a time, in whatever process; the state can be asked meanwhile', () =>
      using(async (store, again) => {
        const other = await again();
        const { id } = await store.uploads.start('app');
        const gate = Promise.withResolvers<void>();
        const started = Promise.withResolvers<void>();
        const slow = async function* (): AsyncGenerator<Uint8Array> {
          started.resolve();
          yield Buffer.from('slow ');
          await gate.promise;
          yield Buffer.from('client');
        };
        const first = store.uploads.append('app', id, slow());
        await started.promise;
        for (const one of [store, other]) {
          const second = one.uploads.append('app', id, whole(Buffer.from('second')));
          await assert.rejects(second, code('STORAGE_UPLOAD_BUSY'));
          await assert.rejects(one.uploads.cancel('app', id), code('STORAGE_UPLOAD_BUSY'));
          assert.ok((await one.uploads.state('app', id)).size <= 5);
        }
        assert.equal(await store.uploads.expire(Date.now() + 60_000), 0, 'nor is it expired');
        gate.resolve();
        assert.equal((await first).size, 11);
        await other.uploads.finish('app', id, undefined, digestOf('slow client'));
      }));

    test('of many writers at once the bytes of one are taken at a time', () =>
      using(async (store, again) => {
        const stores = [store, await again()];
        const { id } = await store.uploads.start('app');
        const ends = await Promise.allSettled(
          Array.from({ length: 10 }, (_, at) =>
            stores[at % 2]?.uploads.append('app', id, whole(Buffer.from('same')), { from: 0 }),
          ),
        );
        const good = ends.filter(({ status }) => status === 'fulfilled');
        assert.equal(good.length, 1);
        await store.uploads.finish('app', id, undefined, digestOf('same'));
      }));

    test('uploads of one blob at the same time all succeed, and there is one', () =>
      using(async (store, again) => {
        const stores = [store, await again()] as const;
        const bytes = randomBytes(200_000);
        await Promise.all(
          Array.from({ length: 8 }, async (_, at) => {
            const { uploads } = stores[at % 2] as BlobStore;
            const { id } = await uploads.start(`app${at}`);
            await uploads.finish(`app${at}`, id, whole(bytes), digestOf(bytes));
          }),
        );
        assert.equal(await blobs(store), 1);
      }));

    test('what nobody touches expires, whichever process began it', () =>
      using(async (store, again) => {
        const { id } = await store.uploads.start('app');
        await store.uploads.append('app', id, whole(randomBytes(6 * MIB)));
        await sleep(20 + clockStep);
        const between = Date.now();
        await sleep(20 + clockStep);
        const { id: young } = await store.uploads.start('app');
        const other = await again();
        assert.equal(await other.uploads.expire(between), 1);
        await assert.rejects(store.uploads.append('app', id, undefined), code('STORAGE_UPLOAD_UNKNOWN'));
        assert.equal((await store.uploads.state('app', young)).size, 0);
        assert.equal(await store.uploads.expire(Date.now() + 60_000), 1);
        assert.equal(await uploads(store), 0);
      }));
  });
}
