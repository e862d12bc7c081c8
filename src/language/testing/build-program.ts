/** A program for tests: an ELF file with headers, a note, and parts that say what they are for. */
export interface ProgramShape {
  readonly is64?: boolean;
  readonly isLittle?: boolean;
  /** Whose note stands in it; none where undefined. */
  readonly noteOwner?: string;
  readonly parts: readonly { readonly content: Buffer; readonly flags: number }[];
  /** Bytes behind all that is loaded. */
  readonly rest?: Buffer;
}

export const Flag = { code: 5, constants: 4, variables: 6 } as const;
const BASE = 0x400000;
const PAGE = 4096;

/** Where part number `index` of these lengths lies in the file; it is loaded at `addressOf` the same. */
export function offsetOf(lengths: readonly number[], index: number): number {
  return lengths.slice(0, index).reduce((at, length) => at + Math.ceil(length / PAGE) * PAGE, PAGE);
}

export function addressOf(lengths: readonly number[], index: number): number {
  return BASE + offsetOf(lengths, index);
}

/** Bytes of the file. */
export function buildProgram({ is64 = true, isLittle = true, noteOwner, parts, rest }: ProgramShape): Buffer {
  const lengths = parts.map(({ content }) => content.length);
  const end = offsetOf(lengths, parts.length);
  const file = Buffer.alloc(end + (rest?.length ?? 0));
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const u16 = (at: number, value: number): void => view.setUint16(at, value, isLittle);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, isLittle);
  const word = (at: number, value: number): void =>
    is64 ? view.setBigUint64(at, BigInt(value), isLittle) : u32(at, value);
  const [headBytes, headerBytes] = is64 ? [64, 56] : [52, 32];
  file.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, isLittle ? 1 : 2, 1]);
  u16(16, 2);
  word(is64 ? 32 : 28, headBytes);
  u16(is64 ? 54 : 42, headerBytes);
  u16(is64 ? 56 : 44, parts.length + 1);
  const segment = (index: number, type: number, flags: number, offset: number, size: number): void => {
    const at = headBytes + index * headerBytes;
    const places = is64
      ? { flags: 4, offset: 8, address: 16, size: 32 }
      : { flags: 24, offset: 4, address: 8, size: 16 };
    u32(at, type);
    u32(at + places.flags, flags);
    word(at + places.offset, offset);
    word(at + places.address, BASE + offset);
    word(at + places.size, size);
  };
  const note = headBytes + (parts.length + 1) * headerBytes;
  const owner = Buffer.from(`${noteOwner ?? 'GNU'}\0`);
  u32(note, owner.length);
  u32(note + 4, 4);
  u32(note + 8, noteOwner === 'Go' ? 4 : 3);
  file.set(owner, note + 12);
  segment(0, 4, 4, note, 12 + Math.ceil(owner.length / 4) * 4 + 4);
  for (const [index, { content, flags }] of parts.entries()) {
    const offset = offsetOf(lengths, index);
    file.set(content, offset);
    segment(index + 1, 1, flags, offset, content.length);
  }
  if (rest !== undefined) file.set(rest, end);
  return file;
}
