import type { LoadedPart } from '../../elf/index.ts';
import type { ProgramMap } from './types.ts';

const MAGIC_64 = 0xfeedfacf;
const MAGIC_32 = 0xfeedface;
const SEGMENT = 1;
const SEGMENT_64 = 0x19;
const MAX_COMMANDS = 10_000;
const WRITE = 2;
const EXECUTE = 4;

/**
 * Segments of a macOS program; undefined for anything else, universal ones too (no image has them).
 * @see https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h
 * @throws RangeError when it is cut
 */
export function readMachO(head: Buffer): Omit<ProgramMap, 'isGo'> | undefined {
  const magic = head.readUInt32LE(0);
  if (magic !== MAGIC_64 && magic !== MAGIC_32) return undefined;
  const is64 = magic === MAGIC_64;
  const count = Math.min(head.readUInt32LE(16), MAX_COMMANDS);
  const parts: LoadedPart[] = [];
  let at = is64 ? 32 : 28;
  for (let index = 0; index < count; index += 1) {
    const command = head.readUInt32LE(at);
    const size = head.readUInt32LE(at + 4);
    if (size < 8) return undefined;
    if (command === SEGMENT || command === SEGMENT_64) parts.push(segmentAt(head, at, command === SEGMENT_64));
    at += size;
  }
  return { format: 'mach-o', wordBytes: is64 ? 8 : 4, isLittle: true, parts };
}

function segmentAt(head: Buffer, at: number, is64: boolean): LoadedPart {
  const word = (offset: number): number => (is64 ? Number(head.readBigUInt64LE(offset)) : head.readUInt32LE(offset));
  const step = is64 ? 8 : 4;
  const start = at + 24;
  const initial = head.readUInt32LE(start + 4 * step + 4);
  return {
    address: word(start),
    offset: word(start + 2 * step),
    size: word(start + 3 * step),
    isWritable: (initial & WRITE) !== 0,
    isExecutable: (initial & EXECUTE) !== 0,
  };
}
