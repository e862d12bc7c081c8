import { type ElfView, invalid } from './view.ts';

/** Program header types (gABI, and GNU extensions). */
export const SegmentType = { load: 1, dynamic: 2, interpreter: 3, note: 4 } as const;

/** Permissions of a segment once it is loaded. */
export const SegmentFlag = { execute: 1, write: 2 } as const;

export interface Segment {
  readonly type: number;
  /** Permissions: `SegmentFlag`. */
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
  readonly align: number;
}

const PN_XNUM = 0xffff;

/** Program headers whose bytes lie in the file. */
export function readSegments(view: ElfView): readonly Segment[] {
  const { is64 } = view;
  const start = view.word(is64 ? 32 : 28);
  const size = view.u16(is64 ? 54 : 42);
  const count = view.u16(is64 ? 56 : 44);
  if (count === 0) return [];
  if (count === PN_XNUM) invalid('it has 65535 or more segments');
  if (size < (is64 ? 56 : 32)) invalid('its program headers are too small');
  if (start + size * count > view.bytes.length) invalid('its program headers lie outside the file');
  const segments: Segment[] = [];
  for (let at = start; at < start + size * count; at += size) {
    segments.push(
      is64
        ? {
            type: view.u32(at),
            flags: view.u32(at + 4),
            offset: view.u64(at + 8),
            address: view.u64(at + 16),
            size: view.u64(at + 32),
            align: view.u64(at + 48),
          }
        : {
            type: view.u32(at),
            flags: view.u32(at + 24),
            offset: view.u32(at + 4),
            address: view.u32(at + 8),
            size: view.u32(at + 16),
            align: view.u32(at + 28),
          },
    );
  }
  return segments;
}

/** Where in the file the byte lies that is loaded at an address. */
export function offsetOf(segments: readonly Segment[], address: number): number {
  for (const { type, offset, address: start, size } of segments) {
    if (type === SegmentType.load && address >= start && address < start + size) return offset + (address - start);
  }
  return invalid(`the address 0x${address.toString(16)} is not loaded from the file`);
}

/** Bytes of a segment. */
export function contentOf(view: ElfView, segment: Segment): Buffer {
  if (segment.offset + segment.size > view.bytes.length) invalid('a segment lies outside the file');
  return view.bytes.subarray(segment.offset, segment.offset + segment.size);
}

const NT_GNU_BUILD_ID = 3;

export interface Note {
  readonly owner: string;
  readonly type: number;
  readonly content: Buffer;
  readonly isBuildId: boolean;
}

/** A part of the file that holds notes. */
interface NotePart {
  readonly offset: number;
  readonly size: number;
  readonly align: number;
}

/** The notes of all PT_NOTE segments, in order. */
export function readNotes(view: ElfView, segments: readonly Segment[]): readonly Note[] {
  return segments.flatMap((segment) => {
    if (segment.type !== SegmentType.note) return [];
    contentOf(view, segment);
    return notesIn(view, segment);
  });
}

function notesIn(view: ElfView, { offset, size: bytes, align }: NotePart): readonly Note[] {
  const notes: Note[] = [];
  const end = offset + bytes;
  const step = align === 8 ? 8 : 4;
  const aligned = (value: number): number => Math.ceil(value / step) * step;
  let at = offset;
  while (at + 12 <= end) {
    const [nameSize, size, type] = [view.u32(at), view.u32(at + 4), view.u32(at + 8)];
    const content = at + aligned(12 + nameSize);
    if (content + size > end) invalid('a note does not fit its segment');
    const owner = view.bytes.toString('latin1', at + 12, at + 12 + nameSize);
    const isBuildId = owner === 'GNU\0' && type === NT_GNU_BUILD_ID;
    notes.push({ owner, type, content: view.bytes.subarray(content, content + size), isBuildId });
    at = content + aligned(size);
  }
  return notes;
}

const SHT_NOTE = 7;

/** Sections of notes, as far as the section headers and they themselves lie in the file: nothing that runs needs them. */
function noteSections(view: ElfView): readonly NotePart[] {
  const [headers, bytes, count] = view.is64
    ? [view.u64(40), view.u16(58), view.u16(60)]
    : [view.u32(32), view.u16(46), view.u16(48)];
  const parts: NotePart[] = [];
  if (bytes < (view.is64 ? 64 : 40)) return parts;
  const end = Math.min(headers + count * bytes, view.bytes.length);
  for (let at = headers; at + bytes <= end; at += bytes) {
    if (view.u32(at + 4) !== SHT_NOTE) continue;
    const [offset, size, align] = view.is64
      ? [view.u64(at + 24), view.u64(at + 32), view.u64(at + 48)]
      : [view.u32(at + 16), view.u32(at + 20), view.u32(at + 32)];
    if (offset + size <= view.bytes.length) parts.push({ offset, size, align });
  }
  return parts;
}

/** Like `noteSections`, a help: sections whose content is broken do not make the file so. */
function notesOfSections(view: ElfView): readonly Note[] {
  try {
    return noteSections(view).flatMap((part) => notesIn(view, part));
  } catch {
    return [];
  }
}

/** The GNU build id among the notes, hexadecimal. Go's own linker has it in a section that no segment of notes covers. */
export function findBuildId(view: ElfView, segments: readonly Segment[]): string | undefined {
  const isBuildId = (note: Note): boolean => note.isBuildId;
  const found = readNotes(view, segments).find(isBuildId) ?? notesOfSections(view).find(isBuildId);
  return found?.content.toString('hex');
}
