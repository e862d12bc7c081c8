import { readTags, Tag } from './dynamic.ts';
import { MACHINES } from './machines.ts';
import { viewOf } from './read-elf.ts';
import { offsetOf, readSegments, type Segment, SegmentType } from './segments.ts';
import { ElfView, invalid, overLimit } from './view.ts';

/**
 * What decides which libraries the dynamic loader finds for a file. Plain JSON: what a file does not have is absent.
 * Search paths are split at colons, empty elements (the working folder) left out.
 */
export interface LinkFacts {
  readonly class: 32 | 64;
  /** As `ElfFile.machine`. */
  readonly machine: string;
  /** Byte order, where it is big. */
  readonly big?: true;
  readonly soname?: string;
  /** SONAMEs it is linked against, in order. */
  readonly needed?: readonly string[];
  readonly rpath?: readonly string[];
  readonly runpath?: readonly string[];
  /** Path of the dynamic linker. */
  readonly interpreter?: string;
  /** Default folders are not searched for its libraries (DF_1_NODEFLIB). */
  readonly noDefaults?: true;
}

/** Where bytes of the file can be had. */
export interface FileParts {
  /** Bytes from an offset, `length` of them or what is kept there; undefined where nothing is. */
  range(start: number, length: number): Buffer | undefined;
  /** Bytes of the whole file. */
  readonly size: number;
}

/** Bytes of a dynamic segment; real ones have under 2 KiB. */
export const MAX_DYNAMIC = 1024 * 1024;
/** Bytes of a name or list of folders, and of all of them: many entries may point to one long text. */
const MAX_NAME = 64 * 1024;
const MAX_NAMES = 1024 * 1024;
const MAX_INTERPRETER = 4096;
const DF_1_NODEFLIB = 0x800;

/**
 * Link facts of a file of which some parts are known; undefined where a name lies in one that is not.
 * @throws ELF_INVALID, ELF_LIMIT
 */
export function linkFactsOf(head: Uint8Array, segments: readonly Segment[], parts: FileParts): LinkFacts | undefined {
  const view = viewOf(head);
  const machine = view.u16(18);
  const base: LinkFacts = {
    class: view.is64 ? 64 : 32,
    machine: MACHINES[machine] ?? `machine-${machine}`,
    ...(view.isLittle ? {} : { big: true as const }),
  };
  const interpreter = interpreterOf(segments, parts);
  if (interpreter === null) return undefined;
  const own = { ...base, ...(interpreter === undefined ? {} : { interpreter }) };
  const segment = segments.find(({ type }) => type === SegmentType.dynamic);
  if (segment === undefined || segment.size === 0) return own;
  if (segment.size > MAX_DYNAMIC) overLimit(`a dynamic segment of ${segment.size} bytes`, MAX_DYNAMIC);
  const bytes = parts.range(segment.offset, segment.size);
  if (bytes === undefined || bytes.length < segment.size) return invalid('its dynamic segment lies outside the file');
  const { values, needed } = readTags(new ElfView(bytes, view), 0, segment.size);
  const wanted = [Tag.soname, Tag.rpath, Tag.runpath].map((tag) => values.get(tag));
  if (needed.length === 0 && wanted.every((offset) => offset === undefined)) return own;
  const address = values.get(Tag.strings);
  if (address === undefined) return invalid('it has no dynamic strings');
  const text = textsAt(offsetOf(segments, address), parts);
  const names = needed.map(text);
  const [soname, rpath, runpath] = wanted.map((offset) => (offset === undefined ? '' : text(offset)));
  if (names.includes(undefined) || soname === undefined || rpath === undefined || runpath === undefined)
    return undefined;
  return {
    ...own,
    ...(soname === '' ? {} : { soname }),
    ...(names.length === 0 ? {} : { needed: names as readonly string[] }),
    ...folders('rpath', rpath),
    ...folders('runpath', runpath),
    ...(((values.get(Tag.flags1) ?? 0) & DF_1_NODEFLIB) === 0 ? {} : { noDefaults: true as const }),
  };
}

/**
 * Link facts of a whole file.
 * @throws ELF_INVALID, ELF_LIMIT
 */
export function readLinkFacts(bytes: Uint8Array): LinkFacts {
  try {
    const view = viewOf(bytes);
    const range = (start: number, length: number): Buffer => view.bytes.subarray(start, start + length);
    return linkFactsOf(bytes, readSegments(view), { range, size: bytes.length }) ?? invalid('a name does not end');
  } catch (error) {
    if (error instanceof RangeError) invalid('a table lies outside the file');
    throw error;
  }
}

function folders(key: 'rpath' | 'runpath', text: string): { readonly [key: string]: readonly string[] } {
  const paths = text.split(':').filter((path) => path !== '');
  return paths.length === 0 ? {} : { [key]: paths };
}

/** Null where it lies in a part that is not known. */
function interpreterOf(segments: readonly Segment[], parts: FileParts): string | null | undefined {
  const segment = segments.find(({ type }) => type === SegmentType.interpreter);
  if (segment === undefined) return undefined;
  if (segment.offset + segment.size > parts.size) return invalid('a segment lies outside the file');
  const bytes = parts.range(segment.offset, Math.min(segment.size, MAX_INTERPRETER));
  return bytes === undefined ? null : bytes.toString('utf8').replace(/\0.*$/s, '');
}

/** Texts of the string table; undefined for one in a part that is not known. */
function textsAt(strings: number, parts: FileParts): (offset: number) => string | undefined {
  let total = 0;
  return (offset) => {
    const at = strings + offset;
    if (at >= parts.size) return invalid('a name lies outside the file');
    const bytes = parts.range(at, MAX_NAME);
    const stop = bytes?.indexOf(0) ?? -1;
    if (stop < 0) return undefined;
    total += stop;
    if (total > MAX_NAMES) overLimit(`names of ${total} bytes`, MAX_NAMES);
    return bytes?.toString('utf8', 0, stop);
  };
}
