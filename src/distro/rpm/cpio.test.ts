import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCpio } from './cpio.ts';

const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

function newc(path: string, content: Buffer, mode = 0o100644): Buffer {
  const fields = [7, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, Buffer.byteLength(path) + 1, 0];
  const numbers = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
  return Buffer.concat([pad(Buffer.from(`070701${numbers}${path}\0`)), pad(content)]);
}

const stripped = (index: number, content: Buffer): Buffer =>
  Buffer.concat([pad(Buffer.from(`07070X${index.toString(16).padStart(8, '0')}`)), pad(content)]);

const END = newc('TRAILER!!!', Buffer.alloc(0), 0);
const none = (): undefined => undefined;

test('entries of both forms, whatever their length', () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 6 });
  fc.assert(
    fc.property(contents, (all) => {
      const buffers = all.map((bytes) => Buffer.from(bytes));
      const plain = Buffer.concat([...buffers.map((bytes, index) => newc(`./f${index}`, bytes)), END]);
      const found = [...readCpio(plain, none)];
      assert.deepEqual(
        found.map((entry) => [entry.kind === 'file' && entry.path, entry.content]),
        buffers.map((bytes, index) => [`./f${index}`, bytes]),
      );
      const short = Buffer.concat([...buffers.map((bytes, index) => stripped(index, bytes)), END]);
      const sizes = buffers.map(({ length }) => length);
      assert.deepEqual(
        [...readCpio(short, (index) => sizes[index])].map(({ content }) => content),
        buffers,
      );
    }),
  );
});

test('what is no archive, ends early or claims too much is refused', () => {
  const whole = Buffer.concat([newc('./a', Buffer.from('content')), END]);
  for (let size = 0; size < whole.length - END.length + 110; size += 1) {
    assert.throws(() => [...readCpio(whole.subarray(0, size), none)], /./, `${size}`);
  }
  assert.throws(() => [...readCpio(Buffer.concat([stripped(3, Buffer.from('x')), END]), none)], /no file 3/);
  assert.throws(() => [...readCpio(Buffer.from('0'.repeat(200)), none)], /begin/);
  const negative = Buffer.from(newc('./a', Buffer.from('x')));
  negative.write('-0000001', 54);
  assert.throws(() => [...readCpio(negative, none)], /hexadecimal/);
});
