import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compress } from '@napi-rs/lzma/xz';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import {
  type Compression,
  type DecompressLimits,
  decompress,
  decompressBuffer,
  detectCompression,
} from './compression.ts';
import { claimedXzSize } from './xz.ts';

const KINDS = ['gzip', 'zstd', 'xz'] as const;
const plain = Buffer.concat([randomBytes(200_000), Buffer.alloc(300_000, 'text ')]);

async function pack(kind: (typeof KINDS)[number], bytes: Buffer): Promise<Buffer> {
  if (kind === 'xz') return compress(bytes);
  return kind === 'gzip' ? gzipSync(bytes) : zstdCompressSync(bytes);
}

async function* chunks(bytes: Buffer, step = 65_536): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

const stream = async (bytes: Buffer, kind: Compression, limits?: DecompressLimits, step?: number): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(decompress(chunks(bytes, step), kind, limits)));

const code = (expected: string) => (error: unknown) => isHeraklitError(error, expected);

for (const kind of KINDS) {
  test(`${kind}: one and several members are read, streaming and whole`, async () => {
    const packed = await pack(kind, plain);
    assert.equal(detectCompression(packed), kind);
    const several = Buffer.concat([packed, await pack(kind, Buffer.alloc(0)), packed]);
    const twice = Buffer.concat([plain, plain]);
    assert.ok((await decompressBuffer(packed, kind)).equals(plain));
    assert.ok((await decompressBuffer(several, kind)).equals(twice));
    assert.ok((await stream(packed, kind)).equals(plain));
    assert.ok((await stream(several, kind, {}, 1000)).equals(twice));
  });

  test(`${kind}: a bomb is stopped, by size and by ratio`, async () => {
    const bomb = await pack(kind, Buffer.alloc(20_000_000));
    await assert.rejects(stream(bomb, kind, { maxBytes: 1_000_000 }), code('ARCHIVE_LIMIT'));
    await assert.rejects(decompressBuffer(bomb, kind, { maxBytes: 1_000_000 }), code('ARCHIVE_LIMIT'));
    await assert.rejects(stream(bomb, kind, { ratioFloor: 5_000_000 }), code('ARCHIVE_LIMIT'));
    assert.equal((await stream(bomb, kind, { ratioFloor: 5_000_000, maxRatio: 100_000 })).length, 20_000_000);
  });

  test(`${kind}: truncated and damaged data is refused with a code`, async () => {
    const packed = await pack(kind, plain.subarray(199_000, 210_000));
    const step = Math.ceil(packed.length / 60);
    for (let length = 1; length < packed.length; length += step) {
      await assert.rejects(decompressBuffer(packed.subarray(0, length), kind), code('ARCHIVE_CORRUPT'), `${length}`);
      await assert.rejects(stream(packed.subarray(0, length), kind), code('ARCHIVE_CORRUPT'), `stream ${length}`);
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(packed);
        damaged[at] = (damaged[at] as number) ^ change;
        for (const read of [
          () => decompressBuffer(damaged, kind, { maxBytes: 1e6 }),
          () => stream(damaged, kind, { maxBytes: 1e6 }),
        ]) {
          await read().catch((error: unknown) => assert.ok(isHeraklitError(error), String(error)));
        }
      }),
      { numRuns: 60 },
    );
  });

  test(`${kind}: an error of the source stays what it is, and leaving early closes the source`, async () => {
    const packed = await pack(kind, plain);
    const failing = async function* (): AsyncGenerator<Buffer> {
      yield packed.subarray(0, 1000);
      throw new Error('the connection broke');
    };
    await assert.rejects(Array.fromAsync(decompress(failing(), kind)), { message: 'the connection broke' });
    let closed = false;
    const watched = async function* (): AsyncGenerator<Buffer> {
      try {
        for (;;) yield packed;
      } finally {
        closed = true;
      }
    };
    for await (const _ of decompress(watched(), kind)) break;
    for (let turn = 0; turn < 100 && !closed; turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(closed);
  });
}

test('no bytes are no gzip, zstd or xz data', async () => {
  for (const kind of KINDS) {
    await assert.rejects(stream(Buffer.alloc(0), kind), code('ARCHIVE_CORRUPT'), kind);
    await assert.rejects(decompressBuffer(Buffer.alloc(0), kind), code('ARCHIVE_CORRUPT'), kind);
  }
});

test('plain bytes pass, within the limit; bzip2 is refused by name', async () => {
  assert.equal(detectCompression(Buffer.from('usr/')), 'none');
  assert.equal(detectCompression(Buffer.from('BZh9')), 'bzip2');
  assert.ok((await stream(plain, 'none')).equals(plain));
  await assert.rejects(stream(plain, 'none', { maxBytes: 10 }), code('ARCHIVE_LIMIT'));
  await assert.rejects(decompressBuffer(plain, 'none', { maxBytes: 10 }), code('ARCHIVE_LIMIT'));
  await assert.rejects(stream(plain, 'bzip2'), code('ARCHIVE_UNSUPPORTED'));
  await assert.rejects(decompressBuffer(plain, 'bzip2'), code('ARCHIVE_UNSUPPORTED'));
});

test('the size an xz index claims is found, and random bytes claim nothing', async () => {
  assert.equal(claimedXzSize(await compress(plain)), plain.length);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => claimedXzSize(Buffer.from(bytes)) === undefined));
});
