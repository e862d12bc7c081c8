import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildProgram, Flag } from '../testing/build-program.ts';
import { endOf, offsetOfAddress, readProgramMap } from './program-map.ts';

/** Head of a Windows program with one section of constants and one of variables. */
function peHead(is64: boolean): Buffer {
  const head = Buffer.alloc(2048);
  head.write('MZ');
  head.writeUInt32LE(128, 60);
  head.write('PE\0\0', 128);
  head.writeUInt16LE(2, 134);
  const optional = 152;
  head.writeUInt16LE(is64 ? 240 : 224, 148);
  head.writeUInt16LE(is64 ? 0x20b : 0x10b, optional);
  if (is64) head.writeBigUInt64LE(0x140000000n, optional + 24);
  else head.writeUInt32LE(0x400000, optional + 28);
  const section = (at: number, address: number, size: number, offset: number, flags: number): void => {
    head.writeUInt32LE(address, at + 12);
    head.writeUInt32LE(size, at + 16);
    head.writeUInt32LE(offset, at + 20);
    head.writeUInt32LE(flags, at + 36);
  };
  const table = optional + (is64 ? 240 : 224);
  section(table, 0x1000, 0x200, 0x400, 0x60000020);
  section(table + 40, 0x2000, 0x300, 0x600, 0xc0000040);
  head.write('\xff Go build ID: "x"', 0x400, 'latin1');
  return head;
}

/** Head of a macOS program with one segment of code and one of variables. */
function machOHead(is64: boolean): Buffer {
  const head = Buffer.alloc(2048);
  head.writeUInt32LE(is64 ? 0xfeedfacf : 0xfeedface, 0);
  head.writeUInt32LE(3, 16);
  let at = is64 ? 32 : 28;
  const command = (kind: number, size: number): number => {
    head.writeUInt32LE(kind, at);
    head.writeUInt32LE(size, at + 4);
    at += size;
    return at - size;
  };
  const segment = (address: number, offset: number, size: number, protection: number): void => {
    const start = command(is64 ? 0x19 : 1, is64 ? 72 : 56) + 24;
    const step = is64 ? 8 : 4;
    const values = [address, size, offset, size];
    for (const [index, value] of values.entries()) {
      if (is64) head.writeBigUInt64LE(BigInt(value), start + index * step);
      else head.writeUInt32LE(value, start + index * step);
    }
    head.writeUInt32LE(protection, start + 4 * step + 4);
  };
  segment(0x10000, 0, 0x1000, 5);
  command(0x1d, 16);
  segment(0x20000, 0x1000, 0x800, 3);
  return head;
}

test('programs of Windows and macOS: where their parts lie', () => {
  for (const is64 of [true, false]) {
    const pe = readProgramMap(peHead(is64));
    assert.deepEqual([pe?.format, pe?.wordBytes, pe?.isGo], ['pe', is64 ? 8 : 4, 'yes']);
    assert.deepEqual(
      pe?.parts.map(({ offset, size, isWritable, isExecutable }) => [offset, size, isWritable, isExecutable]),
      [
        [0x400, 0x200, false, true],
        [0x600, 0x300, true, false],
      ],
    );
    assert.equal(pe && offsetOfAddress(pe, (is64 ? 0x140000000 : 0x400000) + 0x2010), 0x610);
    const macho = readProgramMap(machOHead(is64));
    assert.deepEqual([macho?.format, macho?.wordBytes, macho?.isGo], ['mach-o', is64 ? 8 : 4, 'no']);
    assert.equal(macho && offsetOfAddress(macho, 0x20010), 0x1010);
    assert.equal(macho && endOf(macho.parts), 0x1800);
    assert.equal(macho && offsetOfAddress(macho, 0x99), undefined);
  }
  assert.equal(readProgramMap(Buffer.from('#!/bin/sh')), undefined);
});

test('any head gives a map or nothing, in bounded time', () => {
  const elf = buildProgram({ noteOwner: 'Go', parts: [{ content: Buffer.alloc(10), flags: Flag.variables }] });
  const heads = [peHead(true), peHead(false), machOHead(true), machOHead(false), elf.subarray(0, 2048)];
  const edits = fc.array(fc.tuple(fc.nat(500), fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff)), { maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...heads), edits, fc.nat(2048), (whole, changes, end) => {
      const head = Buffer.from(whole);
      for (const [at, value] of changes) head[at] = value;
      readProgramMap(head);
      readProgramMap(head.subarray(0, end));
    }),
    { numRuns: 2000 },
  );
});
