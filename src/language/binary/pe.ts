import type { LoadedPart } from '../../elf/index.ts';
import type { ProgramMap } from './types.ts';

const SECTION_BYTES = 40;
const MAX_SECTIONS = 96;
const EXECUTE = 0x20000000;
const WRITE = 0x80000000;

/**
 * Sections of a Windows program; undefined for anything else. Addresses are those that its own pointers hold.
 * @see https://learn.microsoft.com/windows/win32/debug/pe-format
 * @throws RangeError when it is cut
 */
export function readPe(head: Buffer): Omit<ProgramMap, 'isGo'> | undefined {
  if (head.toString('latin1', 0, 2) !== 'MZ') return undefined;
  const start = head.readUInt32LE(60);
  if (head.toString('latin1', start, start + 4) !== 'PE\0\0') return undefined;
  const count = head.readUInt16LE(start + 6);
  const optional = start + 24;
  const is64 = head.readUInt16LE(optional) === 0x20b;
  const base = is64 ? Number(head.readBigUInt64LE(optional + 24)) : head.readUInt32LE(optional + 28);
  const table = optional + head.readUInt16LE(start + 20);
  if (count > MAX_SECTIONS) return undefined;
  const parts: LoadedPart[] = [];
  for (let at = table; at < table + count * SECTION_BYTES; at += SECTION_BYTES) {
    const flags = head.readUInt32LE(at + 36);
    parts.push({
      offset: head.readUInt32LE(at + 20),
      size: head.readUInt32LE(at + 16),
      address: base + head.readUInt32LE(at + 12),
      isWritable: (flags & WRITE) !== 0,
      isExecutable: (flags & EXECUTE) !== 0,
    });
  }
  return { format: 'pe', wordBytes: is64 ? 8 : 4, isLittle: true, parts };
}
