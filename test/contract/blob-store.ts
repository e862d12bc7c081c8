import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Digest, digestOf } from '../../src/oci/index.ts';
import type { BlobStore } from '../../src/storage/index.ts';

/** What every blob store promises. `create` gives an empty store and what removes it. */
export function blobStoreContract(
  name: string,
  create: () => Promise<{ store: BlobStore; remove(): Promise<void>; leftovers(): Promise<readonly string[]> }>,
): void {
  const using = async (
    work: (store: BlobStore, leftovers: () => Promise<readonly string[]>) => Promise<void>,
  ): Promise<void> => {
    const { store, remove, leftovers } = await create();
    try {
      await work(store, leftovers);
      assert.deepEqual(await leftovers(), [], 'no scratch file stays');
    } finally {
      await remove();
    }
  };
  const absent: Digest = digestOf('never written');
  const code = (wanted: string) => (error: unknown) => (error as { code?: string }).code === wanted;
  const count = async (store: BlobStore): Promise<number> => (await Array.fromAsync(store.list())).length;

  describe(`blob store contract: ${name}`, () => {
    test('what is put can be read whole, streamed, ranged, sized and listed', () =>
      using(async (store) => {
        const bytes = randomBytes(700_001);
        const { digest, size } = await store.put(bytes);
        assert.equal(digest, digestOf(bytes));
        assert.equal(size, bytes.length);
        assert.ok(await store.has(digest));
        assert.equal(await store.size(digest), bytes.length);
        assert.deepEqual(await store.read(digest, bytes.length), bytes);
        assert.deepEqual(await buffer(await store.open(digest)), bytes);
        assert.deepEqual(await buffer(await store.open(digest, { start: 5, end: 9 })), bytes.subarray(5, 10));
        const tail = await store.open(digest, { start: bytes.length - 2, end: bytes.length + 100 });
        assert.deepEqual(await buffer(tail), bytes.subarray(-2));
        const [listed] = await Array.fromAsync(store.list());
        assert.deepEqual([listed?.digest, listed?.size], [digest, size]);
      }));

    test('the empty blob is a blob', () =>
      using(async (store) => {
        const { digest } = await store.put(new Uint8Array());
        assert.equal(await store.size(digest), 0);
        assert.equal((await buffer(await store.open(digest))).length, 0);
        await assert.rejects(store.open(digest, { start: 0, end: 0 }), code('BLOB_RANGE_INVALID'));
      }));

    test('a missing blob is BLOB_MISSING and names itself', () =>
      using(async (store) => {
        assert.equal(await store.has(absent), false);
        assert.equal(await store.size(absent), undefined);
        await assert.rejects(store.open(absent), code('BLOB_MISSING'));
        await assert.rejects(store.read(absent, 10), (error: Error) => error.message.includes(absent));
        assert.equal(await store.delete(absent), false);
      }));

    test('read refuses more than its limit', () =>
      using(async (store) => {
        const { digest } = await store.put(Buffer.alloc(11));
        await assert.rejects(store.read(digest, 10), code('BLOB_TOO_LARGE'));
      }));

    test('a range outside the blob is refused', () =>
      using(async (store) => {
        const { digest } = await store.put(Buffer.alloc(11));
        await assert.rejects(store.open(digest, { start: 11, end: 12 }), code('BLOB_RANGE_INVALID'));
        await assert.rejects(store.open(digest, { start: 4, end: 3 }), code('BLOB_RANGE_INVALID'));
      }));

    test('write hashes a stream, and with sha512 where that is expected', () =>
      using(async (store) => {
        const bytes = randomBytes(300_000);
        const chunks = [bytes.subarray(0, 7), bytes.subarray(7, 200_000), bytes.subarray(200_000)];
        assert.equal((await store.write(Readable.from(chunks))).digest, digestOf(bytes));
        const sha512: Digest = `sha512:${(await import('node:crypto')).hash('sha512', bytes)}`;
        await store.write(Readable.from([bytes]), { digest: sha512, size: bytes.length });
        assert.deepEqual(await store.read(sha512, bytes.length), bytes);
      }));

    test('wrong bytes, too few and too many are OCI_DIGEST_MISMATCH and leave nothing', () =>
      using(async (store) => {
        const bytes = randomBytes(1_000);
        const digest = digestOf(bytes);
        for (const [content, size] of [
          [Buffer.alloc(1_000), 1_000],
          [bytes.subarray(1), 1_000],
          [Buffer.concat([bytes, bytes]), 1_000],
          [Buffer.alloc(1_000), undefined],
        ] as const) {
          const expected = size === undefined ? { digest } : { digest, size };
          await assert.rejects(store.write(Readable.from([content]), expected), code('OCI_DIGEST_MISMATCH'));
        }
        assert.equal(await count(store), 0);
      }));

    test('a source that fails midway leaves nothing', () =>
      using(async (store) => {
        async function* broken(): AsyncGenerator<Buffer> {
          yield Buffer.alloc(100_000);
          throw new Error('connection lost');
        }
        await assert.rejects(store.write(Readable.from(broken())), /connection lost/);
        assert.equal(await count(store), 0);
      }));

    test('many writers of one blob at once all succeed and there is one', () =>
      using(async (store) => {
        const bytes = randomBytes(100_000);
        const expected = { digest: digestOf(bytes), size: bytes.length };
        const all = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            index % 2 === 0 ? store.put(bytes) : store.write(Readable.from([bytes]), expected),
          ),
        );
        assert.ok(all.every(({ digest }) => digest === expected.digest));
        assert.equal(await count(store), 1);
      }));

    test('putMany keeps the order and stores duplicates once', () =>
      using(async (store) => {
        const blobs = Array.from({ length: 100 }, (_, index) => Buffer.from(`blob ${index % 60}`));
        const results = await store.putMany(blobs);
        assert.deepEqual(
          results.map(({ digest }) => digest),
          blobs.map((bytes) => digestOf(bytes)),
        );
        assert.equal(await count(store), 60);
      }));

    test('a scratch file becomes a blob at commit, or nothing at discard', () =>
      using(async (store) => {
        const bytes = randomBytes(5_000);
        const first = await store.scratch();
        await writeFile(first.path, bytes);
        assert.equal((await first.commit()).digest, digestOf(bytes));
        const second = await store.scratch();
        await writeFile(second.path, bytes);
        await second.commit({ digest: digestOf(bytes), size: bytes.length });
        const third = await store.scratch();
        await writeFile(third.path, 'thrown away');
        await third.discard();
        const fourth = await store.scratch();
        await writeFile(fourth.path, 'short');
        await assert.rejects(fourth.commit({ digest: absent, size: 99 }), code('OCI_DIGEST_MISMATCH'));
        assert.equal(await count(store), 1);
      }));

    test('a deleted blob is gone and can come back', () =>
      using(async (store) => {
        const { digest } = await store.put(Buffer.from('again'));
        assert.equal(await store.delete(digest), true);
        assert.equal(await store.has(digest), false);
        await store.put(Buffer.from('again'));
        assert.equal(await store.has(digest), true);
      }));

    test('only what nobody wrote or renewed since is deleted for being old', () =>
      using(async (store) => {
        const [old, renewed] = [await store.put(Buffer.from('old')), await store.put(Buffer.from('renewed'))];
        const before = await store.stat(old.digest);
        assert.equal(before?.size, 3);
        assert.equal(await store.stat(absent), undefined);
        assert.equal(await store.renew(absent), false);
        assert.deepEqual(await store.deleteOld([old.digest, absent], before?.modified ?? 0), []);
        // Some stores keep times in whole seconds.
        await sleep(1_100);
        assert.equal(await store.renew(renewed.digest), true);
        const cutoff = ((await store.stat(renewed.digest))?.modified ?? 0) - 50;
        assert.deepEqual(await store.deleteOld([old.digest, absent, renewed.digest], cutoff), [old]);
        assert.equal(await store.has(old.digest), false);
        assert.deepEqual(await store.read(renewed.digest, 10), Buffer.from('renewed'));
      }));

    test('a reader that stops early ends quietly', () =>
      using(async (store) => {
        const { digest } = await store.put(randomBytes(2_000_000));
        const stream = await store.open(digest);
        for await (const _chunk of stream) break;
        assert.ok(stream.destroyed);
      }));
  });
}
