import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { type DecompressHashedOptions, decompressHashed } from './decompress-hashed.ts';
import { isForThread, prepareThread } from './threaded-gunzip.ts';

/** Claims a size that makes a thread worth while; the bytes themselves are few. */
const LARGE = { size: 1e9 };
const MIB = 1024 * 1024;

async function* chunks(bytes: Buffer, step = 65_536): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

async function unpack(
  packed: Buffer,
  options: DecompressHashedOptions = LARGE,
  kind: 'gzip' | 'zstd' = 'gzip',
  step?: number,
): Promise<{ readonly bytes: Buffer; readonly sha256: string }> {
  const { chunks: unpacked, sha256 } = decompressHashed(chunks(packed, step), kind, options);
  const parts: Buffer[] = [];
  for await (const chunk of unpacked) parts.push(Buffer.from(chunk));
  return { bytes: Buffer.concat(parts), sha256: sha256() };
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const code = (expected: string) => (error: unknown) => isHeraklitError(error, expected);

test('a thread gives the same bytes and digest as the main thread, whatever the pieces', async () => {
  const plain = Buffer.concat([randomBytes(3 * MIB + 17), Buffer.alloc(30 * MIB, 'text '), randomBytes(MIB)]);
  const packed = gzipSync(plain, { level: 1 });
  for (const options of [LARGE, { size: 0 }]) {
    for (const step of [1000, 65_536, 3 * MIB]) {
      const result = await unpack(packed, options, 'gzip', step);
      assert.equal(result.sha256, sha256(plain));
      assert.ok(result.bytes.equals(plain));
    }
  }
  const zstd = await unpack(zstdCompressSync(plain), LARGE, 'zstd');
  assert.equal(zstd.sha256, sha256(plain));
});

test('output that ends with a chunk of the ring, and none at all', async () => {
  for (const length of [0, 1, MIB - 1, MIB, 8 * MIB, 8 * MIB + 1]) {
    const plain = Buffer.alloc(length, 'x');
    const { bytes, sha256: digest } = await unpack(gzipSync(plain));
    assert.equal(bytes.length, length);
    assert.equal(digest, sha256(plain));
  }
});

test('members one after another are one stream; what is no member behind them is ignored, as gunzip does', async () => {
  const plain = randomBytes(100_000);
  const packed = gzipSync(plain);
  for (const step of [packed.length, 777, MIB]) {
    const twice = await unpack(Buffer.concat([packed, gzipSync(Buffer.alloc(0)), packed]), LARGE, 'gzip', step);
    assert.ok(twice.bytes.equals(Buffer.concat([plain, plain])));
    const trailing = Buffer.concat([packed, Buffer.alloc(5 * MIB)]);
    assert.ok((await unpack(trailing, LARGE, 'gzip', step)).bytes.equals(plain));
  }
});

test('the source is read to its end, where it checks itself, even when the decoder needs no more', async () => {
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.concat([gzipSync(Buffer.from('content')), Buffer.alloc(64)]);
    for (let piece = 0; piece < 20; piece += 1) yield Buffer.alloc(MIB);
    throw new Error('the digest is wrong');
  };
  for (const options of [LARGE, { size: 0 }]) {
    const { chunks: unpacked } = decompressHashed(failing(), 'gzip', options);
    await assert.rejects(Array.fromAsync(unpacked), { message: 'the digest is wrong' });
  }
});

test('a bomb is stopped, by size and by ratio', async () => {
  const bomb = gzipSync(Buffer.alloc(60 * MIB));
  await assert.rejects(unpack(bomb, { ...LARGE, maxBytes: MIB }), code('ARCHIVE_LIMIT'));
  await assert.rejects(unpack(bomb, { ...LARGE, ratioFloor: 5 * MIB }), code('ARCHIVE_LIMIT'));
});

test('truncated data is refused, wherever it ends', async () => {
  const packed = gzipSync(randomBytes(20_000));
  for (let length = 2; length < packed.length; length += Math.ceil(packed.length / 8)) {
    await assert.rejects(unpack(packed.subarray(0, length)), code('ARCHIVE_CORRUPT'), `${length}`);
  }
});

test('damaged data is refused with a code, or decodes to what its checksum says', async () => {
  const plain = Buffer.concat([randomBytes(5000), Buffer.alloc(5000, 'text ')]);
  const packed = gzipSync(plain);
  await fc.assert(
    fc.asyncProperty(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const damaged = Buffer.from(packed);
      damaged[at] = (damaged[at] as number) ^ change;
      const outcome = async (options: DecompressHashedOptions): Promise<string> =>
        unpack(damaged, options).then(
          ({ sha256: digest }) => digest,
          (error: unknown) => {
            assert.ok(isHeraklitError(error, 'ARCHIVE_CORRUPT'), String(error));
            return error.message;
          },
        );
      assert.equal(await outcome(LARGE), await outcome({ size: 0 }));
    }),
    { numRuns: 20 },
  );
});

test('of a broken member and broken bytes behind it, the member is what is told', async () => {
  const packed = gzipSync(randomBytes(5000));
  const last = packed.length - 8;
  packed[last] = (packed[last] as number) ^ 1;
  const broken = Buffer.concat([packed, Buffer.from('no header')]);
  for (const options of [LARGE, { size: 0 }]) {
    await assert.rejects(unpack(broken, options), { message: 'broken gzip data: incorrect data check' });
  }
});

test('an error of the source stays what it is, and leaving early closes the source', async () => {
  const packed = gzipSync(randomBytes(200_000));
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield packed.subarray(0, 1000);
    throw new Error('the connection broke');
  };
  await assert.rejects(Array.fromAsync(decompressHashed(failing(), 'gzip', LARGE).chunks), {
    message: 'the connection broke',
  });
  let closed = false;
  const endless = async function* (): AsyncGenerator<Buffer> {
    try {
      for (;;) yield packed;
    } finally {
      closed = true;
    }
  };
  for await (const _ of decompressHashed(endless(), 'gzip', LARGE).chunks) break;
  for (let turn = 0; turn < 100 && !closed; turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(closed);
});

test('more at once than there are threads', async () => {
  const plain = randomBytes(2 * MIB);
  const packed = gzipSync(plain);
  const results = await Promise.all(Array.from({ length: 5 }, () => unpack(packed)));
  assert.ok(results.every(({ sha256: digest }) => digest === sha256(plain)));
});

test('a thread that was started early is the one that decodes', async () => {
  assert.equal(isForThread(1000), false);
  prepareThread();
  prepareThread();
  const plain = randomBytes(3 * MIB);
  assert.ok((await unpack(gzipSync(plain))).bytes.equals(plain));
  assert.ok((await unpack(gzipSync(plain))).bytes.equals(plain));
});

test('memory of chunks that are ours alone is given back as they are read; of others it is left alone', async () => {
  const plain = randomBytes(3 * MIB);
  const packed = gzipSync(plain);
  const cases = [LARGE, { size: 0 }].flatMap((size) => [true, false].map((ownChunks) => ({ ...size, ownChunks })));
  for (const options of cases) {
    const given = Array.from(
      { length: Math.ceil(packed.length / 65_536) },
      (_, at) => new Uint8Array(packed.subarray(at * 65_536, (at + 1) * 65_536)),
    );
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield* given;
    };
    const { chunks: unpacked, sha256: digest } = decompressHashed(source(), 'gzip', options);
    for await (const _ of unpacked);
    assert.equal(digest(), sha256(plain));
    assert.ok(given.every(({ length }) => (length === 0) === options.ownChunks));
  }
});
