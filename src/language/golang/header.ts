/** `.go.buildinfo` begins with this, at a multiple of 16 bytes. */
export const BUILD_MAGIC = Buffer.from('\xff Go buildinf:', 'latin1');
export const BUILD_ALIGN = 16;
/** Linkers put these around the module text, so that it can be found without anything else. */
export const TEXT_START = Buffer.from('3077af0c9274080241e1c107e6d618e6', 'hex');
export const TEXT_END = Buffer.from('f932433186182072008242104116d8f2', 'hex');

const HEADER_BYTES = 32;
const INLINE = 2;
const BIG_ENDIAN = 1;
/** Bytes of a toolchain's name; experiments make it longer. */
const MAX_VERSION = 1024;
/** Bytes of the module text; Kubernetes programs have 30 KB. */
export const MAX_TEXT = 2 * 1024 * 1024;

export type HeaderRead =
  /** Not before so many bytes are there. */
  | { readonly kind: 'more'; readonly bytes: number }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'inline'; readonly toolchain: string; readonly text: string }
  /** Go 1.13–1.17: addresses of two Go strings. */
  | { readonly kind: 'pointers'; readonly toolchain: number; readonly text: number; readonly layout: WordLayout };

export interface WordLayout {
  readonly wordBytes: 4 | 8;
  readonly isLittle: boolean;
}

/**
 * What stands behind the magic.
 * @param bytes from the magic on, as many as came so far
 * @see https://go.dev/src/debug/buildinfo/buildinfo.go
 */
export function readHeader(bytes: Buffer): HeaderRead {
  if (bytes.length < HEADER_BYTES) return { kind: 'more', bytes: HEADER_BYTES };
  const wordBytes = bytes[14];
  const flags = bytes[15] as number;
  if ((flags & INLINE) !== 0) return readInline(bytes);
  if ((wordBytes !== 4 && wordBytes !== 8) || flags > BIG_ENDIAN) return { kind: 'invalid' };
  const layout = { wordBytes, isLittle: flags !== BIG_ENDIAN } as const;
  return {
    kind: 'pointers',
    toolchain: readWord(bytes, 16, layout),
    text: readWord(bytes, 16 + wordBytes, layout),
    layout,
  };
}

/** @throws RangeError outside the bytes */
export function readWord(bytes: Buffer, at: number, { wordBytes, isLittle }: WordLayout): number {
  if (wordBytes === 4) return isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  const value = isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

function readInline(bytes: Buffer): HeaderRead {
  const version = readString(bytes, HEADER_BYTES, MAX_VERSION);
  if (version.kind !== 'text') return version;
  const toolchain = version.bytes.toString('utf8');
  if (!isToolchain(toolchain)) return { kind: 'invalid' };
  const text = readString(bytes, version.end, MAX_TEXT);
  if (text.kind !== 'text') return text;
  return { kind: 'inline', toolchain, text: withoutMarks(text.bytes) };
}

/** Empty for a program that says nothing of its modules. */
export function withoutMarks(text: Buffer): string {
  // As in Go: what does not end in a line break before the mark is not a module text.
  if (text.length < 33 || text[text.length - 17] !== 0x0a) return '';
  return text.toString('utf8', 16, text.length - 16);
}

/** True for text that names a toolchain; release builds, development builds and vendors' own all do. */
export function isToolchain(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text);
}

type Piece =
  | { readonly kind: 'text'; readonly bytes: Buffer; readonly end: number }
  | Extract<HeaderRead, { readonly kind: 'more' | 'invalid' }>;

/** Length as a varint, then the bytes. */
function readString(bytes: Buffer, start: number, limit: number): Piece {
  let length = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = bytes[start + index];
    if (byte === undefined) return { kind: 'more', bytes: bytes.length + 1 };
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (length > limit) return { kind: 'invalid' };
    if (byte < 0x80) {
      const from = start + index + 1;
      if (bytes.length < from + length) return { kind: 'more', bytes: from + length };
      return { kind: 'text', bytes: bytes.subarray(from, from + length), end: from + length };
    }
  }
  return { kind: 'invalid' };
}
