import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, deflateRawSync, gunzipSync, gzipSync, type InputType, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { GzipFrame } from './gzip-frame.ts';

interface Fields {
  readonly extra?: Uint8Array<ArrayBuffer>;
  readonly name?: string;
  readonly comment?: string;
  readonly sum: boolean;
}

/** A member with the optional fields of RFC 1952. */
function member(content: Uint8Array<ArrayBuffer>, { extra, name, comment, sum }: Fields): Buffer {
  const flags = (sum ? 2 : 0) | (extra ? 4 : 0) | (name === undefined ? 0 : 8) | (comment === undefined ? 0 : 16);
  const parts: Uint8Array<ArrayBuffer>[] = [Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3])];
  const number = (value: number, bytes: 2 | 4): Uint8Array<ArrayBuffer> => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeUIntLE(value, 0, bytes);
    return buffer;
  };
  if (extra) parts.push(number(extra.length, 2), Buffer.from(extra));
  for (const text of [name, comment]) if (text !== undefined) parts.push(Buffer.from(`${text}\0`, 'latin1'));
  if (sum) parts.push(number(crc32(Buffer.concat(parts)) & 0xffff, 2));
  return Buffer.concat([...parts, deflateRawSync(content), number(crc32(content), 4), number(content.length, 4)]);
}

/** gunzip made of the frame and Node's raw decoder; input in pieces of `step` bytes. */
function unpack(packed: Buffer, step: number): Buffer {
  const out: Buffer[] = [];
  const frame = new GzipFrame(({ crc, size }) => {
    const last = out.at(-1) as Buffer;
    if (crc32(last) !== crc) throw new Error('incorrect data check');
    if (last.length !== size) throw new Error('incorrect length check');
  });
  for (let at = 0; at < packed.length && frame.want !== 'nothing'; ) {
    if (frame.want === 'content') {
      const inflate = inflateRawSync as unknown as (
        input: InputType,
        options: object,
      ) => { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
      const { buffer, engine } = inflate(packed.subarray(at), { info: true });
      out.push(buffer);
      at += engine.bytesWritten;
      frame.contentEnded();
    } else at = frame.take(packed, at, Math.min(packed.length, at + step));
  }
  if (frame.want === 'byte' || frame.want === 'content') throw new Error('unexpected end of file');
  return Buffer.concat(out);
}

const outcome = (run: () => Buffer): string => {
  try {
    return run().toString('hex');
  } catch (error) {
    // Which of both is said of a trailer that is cut off and wrong: zlib looks at its first half alone.
    return (error as Error).message.replace('unexpected end of file', 'incorrect data check');
  }
};

const text = fc.string({ maxLength: 5 }).map((value) => value.replaceAll('\0', ''));
const fields: fc.Arbitrary<Fields> = fc.record(
  { extra: fc.uint8Array({ maxLength: 300 }), name: text, comment: text, sum: fc.boolean() },
  { requiredKeys: ['sum'] },
);
const stream = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 50 }), fields), { minLength: 1, maxLength: 3 })
  .map((members) => Buffer.concat(members.map(([content, options]) => member(content, options))));

test('members with all optional fields unpack as gunzip does it, in any pieces', () => {
  fc.assert(
    fc.property(stream, fc.integer({ min: 1, max: 40 }), (packed, step) => {
      assert.equal(
        outcome(() => unpack(packed, step)),
        gunzipSync(packed).toString('hex'),
      );
    }),
  );
});

test('damage, truncation and what trails are judged as gunzip does it', () => {
  const damage = fc.record({ at: fc.nat(), change: fc.integer({ min: 1, max: 255 }) });
  const trailing = fc.oneof(fc.constant([]), fc.array(fc.constantFrom(0, 0x1f, 0x8b, 8, 7), { maxLength: 4 }));
  fc.assert(
    fc.property(stream, damage, trailing, fc.boolean(), (whole, { at, change }, tail, cut) => {
      const packed = cut ? whole.subarray(0, 1 + (at % whole.length)) : Buffer.concat([whole, Buffer.from(tail)]);
      if (!cut) packed[at % whole.length] = (packed[at % whole.length] as number) ^ change;
      assert.equal(
        outcome(() => unpack(packed, 7)),
        outcome(() => gunzipSync(packed)),
      );
    }),
    { numRuns: 500 },
  );
});

test('the files that gzip writes', () => {
  const packed = gzipSync('content');
  assert.equal(unpack(packed, 1).toString(), 'content');
});
