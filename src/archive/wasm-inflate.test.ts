import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { DECODER_BYTES, inflateMemory, WasmInflate, WINDOW_BYTES } from './wasm-inflate.ts';

const INPUT_BYTES = 1 << 20;
const OUTPUT_AT = DECODER_BYTES + INPUT_BYTES + WINDOW_BYTES;
const OUTPUT_BYTES = 1 << 18;
const memory = inflateMemory(OUTPUT_AT + OUTPUT_BYTES);
const bytes = new Uint8Array(memory.buffer);
const decoder = new WasmInflate(memory);

interface Decoded {
  readonly plain: Buffer;
  /** Bytes behind the stream. */
  readonly rest: Buffer;
}

/** Decodes with input in pieces and output in steps of a small ring, as the thread does. @throws its errors */
function decode(packed: Uint8Array, piece: number, room = OUTPUT_BYTES, step = room): Decoded {
  const parts: Buffer[] = [];
  let chunk = OUTPUT_AT;
  decoder.start(chunk);
  const give = (end: number): void => {
    parts.push(Buffer.from(bytes.slice(chunk, end)));
  };
  for (let at = 0; at < packed.length; at += piece) {
    const some = packed.subarray(at, at + piece);
    // What lies behind must not matter.
    bytes.fill(0xa5, DECODER_BYTES, DECODER_BYTES + some.length + 64);
    bytes.set(some, DECODER_BYTES);
    const end = DECODER_BYTES + some.length;
    for (let next = DECODER_BYTES; ; next = decoder.input) {
      const state = decoder.inflate(next, end, chunk + step);
      if (state === 'input') break;
      give(decoder.output);
      if (state === 'ended') {
        const spare = Buffer.from([...decoder.spare()]);
        return {
          plain: Buffer.concat(parts),
          rest: Buffer.concat([spare, packed.subarray(at + decoder.input - DECODER_BYTES)]),
        };
      }
      assert.equal(decoder.output, chunk + step);
      chunk += step;
      if (chunk + step > OUTPUT_AT + room) {
        decoder.moveOutput(OUTPUT_AT);
        chunk = OUTPUT_AT;
      }
    }
  }
  throw Object.assign(new Error('unexpected end of file'), { code: 'Z_BUF_ERROR' });
}

/** Text that compresses like files do: repeats near and far, runs, and noise. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc.record({ byte: fc.nat(255), times: fc.nat(1200) }),
      fc.record({ back: fc.integer({ min: 1, max: 40_000 }), length: fc.integer({ min: 3, max: 2000 }) }),
      fc.constantFrom('the quick brown fox ', '\0\0\0\x01', 'aababcabcd'),
    ),
    { minLength: 1, maxLength: 60 },
  )
  .map((parts) => {
    let out = Buffer.alloc(0);
    for (const part of parts) {
      let more: Buffer;
      if (part instanceof Uint8Array) more = Buffer.from(part);
      else if (typeof part === 'string') more = Buffer.from(part.repeat(40), 'latin1');
      else if ('byte' in part) more = Buffer.alloc(part.times, part.byte);
      else {
        const from = Math.max(0, out.length - part.back);
        more = Buffer.from(out.subarray(from, from + part.length));
      }
      out = Buffer.concat([out, more]);
    }
    return out;
  });
const options = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
});

test('decodes whatever zlib makes, in any pieces, and gives back what follows', () => {
  const pieces = fc.constantFrom(1, 7, 19, 333, 5000, INPUT_BYTES - 64);
  const steps = fc.constantFrom(64, 321, 4096, OUTPUT_BYTES);
  const rest = fc.uint8Array({ maxLength: 20 });
  fc.assert(
    fc.property(content, options, pieces, steps, rest, (plain, how, piece, step, behind) => {
      const packed = Buffer.concat([deflateRawSync(plain, how), behind]);
      const room = Math.max(step, Math.min(OUTPUT_BYTES, step * 150));
      const result = decode(packed, piece, room - (room % step), step);
      assert.ok(result.plain.equals(plain));
      // In several pieces the rest of the last one is all there is.
      const left = packed.subarray(packed.length - behind.length);
      assert.ok(result.rest.length <= left.length || piece < packed.length);
      if (piece >= packed.length) assert.deepEqual(result.rest, left);
    }),
    { numRuns: 400 },
  );
});

/** What zlib says of the bytes, and what we do. */
function verdicts(
  packed: Uint8Array,
  piece: number,
): { readonly zlib: string | Buffer; readonly ours: string | Buffer } {
  const say = (run: () => Buffer): string | Buffer => {
    try {
      return run();
    } catch (error) {
      return (error as Error).message;
    }
  };
  return {
    zlib: say(() => inflateRawSync(packed, { maxOutputLength: 1 << 28 })),
    ours: say(() => decode(packed, piece).plain),
  };
}

test('damaged streams get zlib’s verdict, in its words', () => {
  const damage = fc.array(fc.record({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), with: fc.nat(255) }), {
    minLength: 1,
    maxLength: 3,
  });
  let refused = 0;
  fc.assert(
    fc.property(content, options, damage, fc.constantFrom(11, INPUT_BYTES - 64), (plain, how, changes, piece) => {
      const packed = deflateRawSync(plain, how);
      for (const change of changes) packed[Math.floor(change.at ** 3 * packed.length)] = change.with;
      const { zlib, ours } = verdicts(packed, piece);
      if (typeof zlib === 'string') refused += 1;
      assert.deepEqual(ours, zlib);
    }),
    { numRuns: 1500 },
  );
  assert.ok(refused > 300, `${refused} were refused`);
});

test('streams of any bytes: never beyond its room, and zlib’s verdict', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(2), (noise, type) => {
      // Half a chance for a valid begin: last block, of each type.
      noise[0] = ((noise[0] ?? 0) & 0xf8) | 1 | (type << 1);
      const { zlib, ours } = verdicts(noise, INPUT_BYTES - 64);
      assert.deepEqual(ours, zlib);
    }),
    { numRuns: 5000 },
  );
});

test('writes nothing behind the room it is given', () => {
  const plain = Buffer.concat([Buffer.alloc(70_000, 'abc'), Buffer.alloc(70_000, 'x')]);
  const packed = deflateRawSync(plain);
  for (const room of [1, 100, 319, 320, 321, 1000, 65_537]) {
    bytes.set(packed, DECODER_BYTES);
    bytes.fill(0x5a, OUTPUT_AT, OUTPUT_AT + OUTPUT_BYTES);
    decoder.start(OUTPUT_AT);
    assert.equal(decoder.inflate(DECODER_BYTES, DECODER_BYTES + packed.length, OUTPUT_AT + room), 'full');
    assert.ok(Buffer.from(bytes.slice(OUTPUT_AT, OUTPUT_AT + room)).equals(plain.subarray(0, room)));
    assert.ok(bytes.subarray(OUTPUT_AT + room).every((byte) => byte === 0x5a));
  }
});
