import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { isElf, readElf } from './read-elf.ts';

/** The smallest file with a dynamic section: one PT_LOAD over everything, SONAME, one needed library, one symbol. */
function makeElf(is64: boolean, isLittle: boolean): Buffer {
  const bytes = Buffer.alloc(1024);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u16 = (at: number, value: number): void => view.setUint16(at, value, isLittle);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, isLittle);
  const word = (at: number, value: number): void =>
    is64 ? view.setBigUint64(at, BigInt(value), isLittle) : u32(at, value);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, isLittle ? 1 : 2, 1]);
  u16(16, 3);
  u16(18, is64 ? 183 : 40);
  word(is64 ? 32 : 28, 64);
  u16(is64 ? 54 : 42, is64 ? 56 : 32);
  u16(is64 ? 56 : 44, 2);
  const segment = (at: number, type: number, offset: number, size: number): void => {
    u32(at, type);
    const [offsetAt, addressAt, sizeAt] = is64 ? [8, 16, 32] : [4, 8, 16];
    word(at + offsetAt, offset);
    word(at + addressAt, offset);
    word(at + sizeAt, size);
  };
  segment(64, 1, 0, 1024);
  segment(64 + (is64 ? 56 : 32), 2, 256, 256);
  const strings = '\0libx.so.1\0libc.so.6\0x_open\0/opt/lib:\0';
  bytes.write(strings, 512, 'latin1');
  const step = is64 ? 8 : 4;
  const tags = [
    [14, strings.indexOf('libx')],
    [1, strings.indexOf('libc')],
    [29, strings.indexOf('/opt')],
    [5, 512],
    [10, strings.length],
    [6, 600],
    [4, 700],
  ] as const;
  for (const [index, [tag, value]] of tags.entries()) {
    word(256 + index * 2 * step, tag);
    word(256 + index * 2 * step + step, value);
  }
  const symbol = 600 + (is64 ? 24 : 16);
  u32(symbol, strings.indexOf('x_open'));
  bytes[symbol + (is64 ? 4 : 12)] = 0x12;
  u16(symbol + (is64 ? 6 : 14), 7);
  u32(700, 1);
  u32(704, 2);
  return bytes;
}

for (const is64 of [true, false]) {
  for (const isLittle of [true, false]) {
    test(`a ${is64 ? 64 : 32}-bit ${isLittle ? 'little' : 'big'}-endian library is read`, () => {
      assert.deepEqual(readElf(makeElf(is64, isLittle)), {
        class: is64 ? 64 : 32,
        endian: isLittle ? 'little' : 'big',
        machine: is64 ? 'aarch64' : 'arm',
        type: 'shared',
        soname: 'libx.so.1',
        needed: ['libc.so.6'],
        rpath: [],
        runpath: ['/opt/lib'],
        exportedSymbols: [{ name: 'x_open', isDefault: true }],
        importedSymbols: [],
        static: false,
      });
    });
  }
}

const outcome = (bytes: Uint8Array): string => {
  try {
    readElf(bytes);
    return 'read';
  } catch (error) {
    assert.ok(isHeraklitError(error, 'ELF_INVALID', 'ELF_LIMIT'), String(error));
    return error.code;
  }
};

test('a file cut anywhere, or no ELF file at all, is refused with a code or read', () => {
  const whole = makeElf(true, true);
  for (let length = 0; length < whole.length; length += 1) outcome(whole.subarray(0, length));
  assert.equal(outcome(whole.subarray(0, 500)), 'ELF_INVALID');
  assert.equal(outcome(Buffer.from('#!/bin/sh')), 'ELF_INVALID');
  assert.ok(!isElf(Buffer.from('\x7fEL')));
});

test('damaged files give a coded error, in bounded time', () => {
  const real = readFileSync(process.execPath).subarray(0, 4096);
  const edit = fc.tuple(fc.nat(1023), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), fc.boolean(), fc.boolean(), (edits, is64, isLittle) => {
      for (const bytes of [makeElf(is64, isLittle), Buffer.from(real)]) {
        for (const [at, byte] of edits) bytes[at] = byte;
        outcome(bytes);
      }
    }),
    { numRuns: 1000 },
  );
});

test('more than an honest file has is over the limit', () => {
  const bytes = makeElf(true, true);
  bytes.writeUInt32LE(0xffffffff, 704);
  assert.equal(outcome(bytes), 'ELF_LIMIT');
});
