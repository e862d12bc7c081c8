import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { ADB_SCHEMA, readAdb } from './adb-file.ts';
import { infoReader } from './adb-package.ts';
import { AdbValues } from './adb-values.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`../../../test/fixtures/apk/${name}`, import.meta.url));
const INDEX = fixture('Packages.none.adb');

const code = (error: unknown): boolean => isHeraklitError(error, 'DISTRO_ADB_INVALID');

/** All that an index holds, as a reader would. */
function readAll(bytes: Buffer): number {
  const { values } = readAdb(bytes, ADB_SCHEMA.index, 'test');
  const infoOf = infoReader(values);
  let count = 0;
  for (const item of values.slots(values.slots(values.root).get(2)).items()) {
    infoOf(item);
    count += 1;
  }
  return count;
}

test('every compression of a real index', () => {
  for (const name of ['none', 'deflate', 'zstd']) assert.equal(readAll(fixture(`Packages.${name}.adb`)), 3, name);
  // Without the letter that says so: plain after a specification.
  assert.equal(readAll(Buffer.concat([Buffer.from('ADBc\0\x01', 'latin1'), INDEX])), 3);
});

test('another kind of file, an unknown compression, no ADB at all', () => {
  assert.throws(() => readAdb(INDEX, ADB_SCHEMA.package, 'test'), /of another kind \(index, not package\)/);
  assert.throws(() => readAdb(Buffer.from('ADBc\x09\0xxxxxxxx', 'latin1'), ADB_SCHEMA.index, 'test'), code);
  assert.throws(() => readAdb(Buffer.from('P:hello\n'), ADB_SCHEMA.index, 'test'), code);
  assert.throws(() => readAdb(new Uint8Array(), ADB_SCHEMA.index, 'test'), code);
});

test('a bomb stops at the limit', () => {
  const bomb = Buffer.concat([Buffer.from('ADBd'), deflateRawSync(Buffer.alloc(4 * 1024 * 1024))]);
  assert.throws(() => readAdb(bomb, ADB_SCHEMA.index, 'test', 1024 * 1024), code);
});

test('a reader of a later version is asked for', () => {
  const bytes = Buffer.from(INDEX);
  bytes[12] = 1;
  assert.throws(() => readAdb(bytes, ADB_SCHEMA.index, 'test'), /needs a reader of version 1/);
});

test('cut anywhere it is refused, or lacks its signature alone', () => {
  const signature = INDEX.length - 8 - (INDEX.length % 8);
  for (let length = 0; length < signature; length += 1) {
    try {
      assert.equal(readAll(INDEX.subarray(0, length)), 3);
      assert.equal(readAdb(INDEX.subarray(0, length), ADB_SCHEMA.index, 'test').signatures.length, 0);
    } catch (error) {
      if (!code(error)) throw error;
    }
  }
});

test('texts that overlap cost no more than the file has bytes', () => {
  const payload = Buffer.alloc(4096);
  payload.writeUInt32LE(0xe0000008, 4);
  payload.fill(0xff, 100);
  const values = new AdbValues(payload, 'test');
  assert.throws(() => {
    for (let at = 100; at < 4096; at += 1) values.text((0x80000000 | at) >>> 0);
  }, code);
});

test('any damage is an error or another content', () => {
  const flips = fc.array(fc.tuple(fc.nat(INDEX.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(flips, (all) => {
      const bytes = Buffer.from(INDEX);
      for (const [at, value] of all) bytes[at] = value;
      try {
        return readAll(bytes) >= 0;
      } catch (error) {
        return code(error);
      }
    }),
    { numRuns: 2000 },
  );
});
