import { isElf, type LoadedPart, readLoadMap } from '../../elf/index.ts';
import { readMachO } from './mach-o.ts';
import { readPe } from './pe.ts';
import type { ProgramMap } from './types.ts';

/** First bytes that a map is read from. Go's linkers put the mark within 4 KiB, after the program headers. */
export const MAP_BYTES = 16 * 1024;

/** What begins the code of Go programs in formats without notes. */
const BUILD_ID = Buffer.from('\xff Go build ID: "', 'latin1');

/** Undefined for what is no program, or one whose headers are broken or elsewhere. */
export function readProgramMap(head: Buffer): ProgramMap | undefined {
  try {
    if (isElf(head)) {
      const { wordBytes, isLittle, parts, noteOwners, sectionHeaders } = readLoadMap(head);
      // All other linkers put section headers last.
      const isLaidOut = sectionHeaders > 0 && sectionHeaders < MAP_BYTES && endOf(parts) > MAP_BYTES;
      const isGo = noteOwners.includes('Go') ? 'yes' : isLaidOut ? 'likely' : 'no';
      return { format: 'elf', wordBytes, isLittle, parts: inFileOrder(parts), isGo };
    }
    const other = readPe(head) ?? readMachO(head);
    if (other === undefined) return undefined;
    return { ...other, parts: inFileOrder(other.parts), isGo: head.includes(BUILD_ID) ? 'yes' : 'no' };
  } catch {
    return undefined;
  }
}

function inFileOrder(parts: readonly LoadedPart[]): readonly LoadedPart[] {
  return parts.filter(({ size }) => size > 0).sort((a, b) => a.offset - b.offset);
}

/** Offset of the first byte behind all that is loaded. */
export function endOf(parts: readonly LoadedPart[]): number {
  return parts.reduce((end, { offset, size }) => Math.max(end, offset + size), 0);
}

/** Where in the file the byte of an address lies; undefined where it is not loaded from there. */
export function offsetOfAddress(map: ProgramMap, address: number): number | undefined {
  const part = map.parts.find((one) => address >= one.address && address < one.address + one.size);
  return part === undefined ? undefined : part.offset + (address - part.address);
}

/**
 * Parts that hold constants: not written to and not run; where a linker put constants beside the code, that too.
 */
export function constantParts(map: ProgramMap): readonly LoadedPart[] {
  const readOnly = map.parts.filter(({ isWritable }) => !isWritable);
  const code = readOnly.find(({ isExecutable }) => isExecutable);
  const separate = readOnly.filter(
    ({ isExecutable, offset }) => !isExecutable && (code === undefined || offset > code.offset),
  );
  return separate.length > 0 ? readOnly.filter(({ isExecutable }) => !isExecutable) : readOnly;
}
