import { viewOf } from './read-elf.ts';
import { readNotes, readSegments, type Segment, SegmentFlag, SegmentType } from './segments.ts';
import { type ElfView, invalid } from './view.ts';

/** Bytes of a file that are mapped when it runs. */
export interface LoadedPart {
  readonly offset: number;
  readonly size: number;
  readonly address: number;
  readonly isWritable: boolean;
  readonly isExecutable: boolean;
}

/** How a program lies in its file. */
export interface LoadMap {
  readonly wordBytes: 4 | 8;
  readonly isLittle: boolean;
  /** In the order of the program headers. */
  readonly parts: readonly LoadedPart[];
  /** Who wrote the notes that lie in the bytes given: `GNU`, `Go`, … */
  readonly noteOwners: readonly string[];
  /** Offset of the section headers in the file; 0 where it has none. */
  readonly sectionHeaders: number;
}

/**
 * Where the parts of a program lie, from the first bytes of its file: for those who see it pass once and keep only what
 * they need of it.
 * @param head the program headers must lie in it (linkers put them right behind the file's header)
 * @throws ELF_INVALID
 */
export function readLoadMap(head: Uint8Array): LoadMap {
  try {
    const view = viewOf(head);
    const segments = readSegments(view);
    return {
      wordBytes: view.wordBytes,
      isLittle: view.isLittle,
      parts: segments
        .filter(({ type }) => type === SegmentType.load)
        .map(({ offset, size, address, flags }) => ({
          offset,
          size,
          address,
          isWritable: (flags & SegmentFlag.write) !== 0,
          isExecutable: (flags & SegmentFlag.execute) !== 0,
        })),
      noteOwners: noteOwners(view, segments),
      sectionHeaders: view.word(view.is64 ? 40 : 32),
    };
  } catch (error) {
    if (error instanceof RangeError) invalid('a table lies outside the file');
    throw error;
  }
}

/** Broken notes hide nothing else of the file. */
function noteOwners(view: ElfView, segments: readonly Segment[]): readonly string[] {
  const owners = new Set<string>();
  for (const segment of segments) {
    if (segment.type !== SegmentType.note || segment.offset + segment.size > view.bytes.length) continue;
    try {
      for (const { owner } of readNotes(view, [segment])) owners.add(owner.replace(/\0.*$/s, ''));
    } catch {
      // Names nobody.
    }
  }
  return [...owners];
}
