import { readDynamic } from './dynamic.ts';
import { MACHINES } from './machines.ts';
import { contentOf, findBuildId, readSegments, SegmentType } from './segments.ts';
import { readSymbols } from './symbols.ts';
import type { ElfFile, ElfType } from './types.ts';
import { ElfView, invalid } from './view.ts';

const HEADER_BYTES = { 1: 52, 2: 64 } as const;
const TYPES: Readonly<Record<number, ElfType>> = { 1: 'relocatable', 2: 'executable', 3: 'shared', 4: 'core' };

/** True for bytes that begin like an ELF file. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** @throws ELF_INVALID */
export function viewOf(bytes: Uint8Array): ElfView {
  if (!isElf(bytes)) invalid('it does not begin as one');
  const [bits, order] = [bytes[4], bytes[5]];
  if ((bits !== 1 && bits !== 2) || (order !== 1 && order !== 2)) invalid('its class or byte order is unknown');
  if (bytes.length < HEADER_BYTES[bits]) invalid('its header is truncated');
  return new ElfView(bytes);
}

function parse(bytes: Uint8Array): ElfFile {
  const view = viewOf(bytes);
  const segments = readSegments(view);
  const dynamic = readDynamic(view, segments);
  const program = segments.find(({ type }) => type === SegmentType.interpreter);
  const interpreter =
    program === undefined ? undefined : contentOf(view, program).toString('utf8').replace(/\0.*$/s, '');
  const buildId = findBuildId(view, segments);
  const type = TYPES[view.u16(16)] ?? 'other';
  const symbols = dynamic === undefined ? { exported: [], imported: [] } : readSymbols(view, dynamic);
  const needed = dynamic?.needed ?? [];
  const isProgram = type === 'executable' || dynamic?.isProgram === true;
  return {
    class: view.is64 ? 64 : 32,
    endian: view.isLittle ? 'little' : 'big',
    machine: MACHINES[view.u16(18)] ?? `machine-${view.u16(18)}`,
    type,
    ...(dynamic?.soname === undefined ? {} : { soname: dynamic.soname }),
    needed,
    rpath: dynamic?.rpath ?? [],
    runpath: dynamic?.runpath ?? [],
    ...(interpreter === undefined ? {} : { interpreter }),
    exportedSymbols: symbols.exported,
    importedSymbols: symbols.imported,
    ...(buildId === undefined ? {} : { buildId }),
    static: isProgram && interpreter === undefined && needed.length === 0,
  };
}

/**
 * Only the libraries a program or library asks for (DT_NEEDED): no symbol is read, so a whole root costs little.
 * @throws ELF_INVALID, ELF_LIMIT
 */
export function readNeeded(bytes: Uint8Array): readonly string[] {
  try {
    const view = viewOf(bytes);
    return readDynamic(view, readSegments(view))?.needed ?? [];
  } catch (error) {
    if (error instanceof RangeError) invalid('a table lies outside the file');
    throw error;
  }
}

/**
 * Reads an ELF file through its segments, as the dynamic linker does; section headers are not needed.
 * @see https://gabi.xinuos.com/ and the LSB's chapter on symbol versioning
 * @throws ELF_INVALID, ELF_LIMIT
 */
export function readElf(bytes: Uint8Array): ElfFile {
  try {
    return parse(bytes);
  } catch (error) {
    // A read outside the bytes.
    if (error instanceof RangeError) invalid('a table lies outside the file');
    throw error;
  }
}
