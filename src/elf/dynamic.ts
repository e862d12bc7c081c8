import { offsetOf, type Segment, SegmentType } from './segments.ts';
import { type ElfView, invalid, overLimit } from './view.ts';

/** Dynamic tags (gABI figure 5-10; GNU extensions). */
export const Tag = {
  null: 0,
  needed: 1,
  hash: 4,
  strings: 5,
  symbols: 6,
  stringsSize: 10,
  soname: 14,
  rpath: 15,
  runpath: 29,
  gnuHash: 0x6ffffef5,
  symbolVersions: 0x6ffffff0,
  flags1: 0x6ffffffb,
  versionDefinitions: 0x6ffffffc,
  versionDefinitionCount: 0x6ffffffd,
  versionNeeds: 0x6ffffffe,
  versionNeedCount: 0x6fffffff,
} as const;

const DF_1_PIE = 0x08000000;
const MAX_NEEDED = 10_000;

/** A table in the file. */
export interface Dynamic {
  readonly needed: readonly string[];
  readonly soname: string | undefined;
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
  /** Marked as a position-independent program. */
  readonly isProgram: boolean;
  /** Bounds of the string table in the file. */
  readonly strings: { readonly start: number; readonly end: number };
  /** File offsets of tables. */
  readonly symbols: number | undefined;
  readonly hash: number | undefined;
  readonly gnuHash: number | undefined;
  readonly symbolVersions: number | undefined;
  readonly versionDefinitions: { readonly at: number; readonly count: number } | undefined;
  readonly versionNeeds: { readonly at: number; readonly count: number } | undefined;
}

/** The tags of the dynamic segment; of a tag that stands several times (but DT_NEEDED), the last value. */
export function readTags(
  view: ElfView,
  offset: number,
  size: number,
): { readonly values: ReadonlyMap<number, number>; readonly needed: readonly number[] } {
  const values = new Map<number, number>();
  const needed: number[] = [];
  const step = 2 * view.wordBytes;
  if (offset + size > view.bytes.length) invalid('its dynamic segment lies outside the file');
  for (let at = offset; at + step <= offset + size; at += step) {
    const tag = view.word(at);
    const value = view.word(at + view.wordBytes);
    if (tag === Tag.null) break;
    if (tag === Tag.needed) needed.push(value);
    else values.set(tag, value);
    if (needed.length > MAX_NEEDED) overLimit(`${needed.length} needed libraries`, MAX_NEEDED);
  }
  return { values, needed };
}

/** Reads the dynamic segment; undefined for a file that has none. */
export function readDynamic(view: ElfView, segments: readonly Segment[]): Dynamic | undefined {
  const segment = segments.find(({ type }) => type === SegmentType.dynamic);
  if (segment === undefined || segment.size === 0) return undefined;
  const { values, needed } = readTags(view, segment.offset, segment.size);
  const table = (tag: number): number | undefined => {
    const address = values.get(tag);
    return address === undefined ? undefined : offsetOf(segments, address);
  };
  const counted = (tag: number, countTag: number): { at: number; count: number } | undefined => {
    const at = table(tag);
    return at === undefined ? undefined : { at, count: values.get(countTag) ?? 0 };
  };
  const start = table(Tag.strings) ?? 0;
  const strings = { start, end: Math.min(view.bytes.length, start + (values.get(Tag.stringsSize) ?? 0)) };
  const text = (offset: number): string => view.text(strings.start + offset, strings.end);
  const named = (tag: number): string | undefined => {
    const offset = values.get(tag);
    return offset === undefined ? undefined : text(offset);
  };
  const paths = (tag: number): readonly string[] => (named(tag) ?? '').split(':').filter((path) => path !== '');
  return {
    needed: needed.map(text),
    soname: named(Tag.soname),
    rpath: paths(Tag.rpath),
    runpath: paths(Tag.runpath),
    isProgram: Math.floor((values.get(Tag.flags1) ?? 0) / DF_1_PIE) % 2 === 1,
    strings,
    symbols: table(Tag.symbols),
    hash: table(Tag.hash),
    gnuHash: table(Tag.gnuHash),
    symbolVersions: table(Tag.symbolVersions),
    versionDefinitions: counted(Tag.versionDefinitions, Tag.versionDefinitionCount),
    versionNeeds: counted(Tag.versionNeeds, Tag.versionNeedCount),
  };
}
