import { crc32 } from 'node:zlib';

/** What the trailer of a gzip member says of its content: CRC-32, and length modulo 2^32. */
export interface GzipTrailer {
  readonly crc: number;
  readonly size: number;
}

/**
 * What the frame wants next. `boundary`: a byte, and the stream may also end here. `content`: deflate data, until the
 * decoder says that they end. `nothing`: what follows is no member, and ignored as gunzip does.
 */
export type GzipWant = 'byte' | 'boundary' | 'content' | 'nothing';

const [HEADER_CRC, EXTRA, NAME, COMMENT, RESERVED] = [0x02, 0x04, 0x08, 0x10, 0xe0];
const DEFLATE = 8;

/** With the words of zlib, so that nobody can tell who read the frame. */
const bad = (message: string): Error => Object.assign(new Error(message), { code: 'Z_DATA_ERROR' });

/**
 * Headers and trailers of a gzip stream (RFC 1952), members one after another; the deflate data between them are not
 * its business. The same rules, and the same errors, as zlib's own.
 */
export class GzipFrame {
  #want: GzipWant = 'byte';
  readonly #reader: Iterator<GzipWant, never, number>;

  /** @param member called with each trailer */
  constructor(member: (trailer: GzipTrailer) => void) {
    this.#reader = members(member);
    this.#next(0);
  }

  get want(): GzipWant {
    return this.#want;
  }

  #next(byte: number): void {
    this.#want = this.#reader.next(byte).value;
  }

  /** Takes bytes while it wants some. @returns the place of the first that it did not take @throws Z_DATA_ERROR */
  take(bytes: ArrayLike<number>, start: number, end: number): number {
    let at = start;
    while (at < end && (this.#want === 'byte' || this.#want === 'boundary')) {
      this.#next(bytes[at] as number);
      at += 1;
    }
    return at;
  }

  /** The deflate data have ended. */
  contentEnded(): void {
    this.#next(0);
  }
}

function* members(member: (trailer: GzipTrailer) => void): Generator<GzipWant, never, number> {
  for (let first = yield 'byte'; ; ) {
    yield* header(first);
    yield 'content';
    member({ crc: yield* number(4), size: yield* number(4) });
    first = yield 'boundary';
    // Zeros are padding (tapes have blocks); nothing behind them is looked at.
    while (first === 0) yield 'nothing';
  }
}

function* header(first: number): Generator<GzipWant, void, number> {
  let check = 0;
  const one = new Uint8Array(1);
  const summed = (byte: number): number => {
    one[0] = byte;
    check = crc32(one, check);
    return byte;
  };
  summed(first);
  if (summed(yield 'byte') !== 0x8b || first !== 0x1f) throw bad('incorrect header check');
  const method = summed(yield 'byte');
  const flags = summed(yield 'byte');
  if (method !== DEFLATE) throw bad('unknown compression method');
  if ((flags & RESERVED) !== 0) throw bad('unknown header flags set');
  // Time, extra flags, operating system.
  for (let left = 6; left > 0; left -= 1) summed(yield 'byte');
  if ((flags & EXTRA) !== 0) {
    const low = summed(yield 'byte');
    for (let left = low + summed(yield 'byte') * 256; left > 0; left -= 1) summed(yield 'byte');
  }
  for (const text of [NAME, COMMENT]) {
    if ((flags & text) !== 0) while (summed(yield 'byte') !== 0);
  }
  const expected = check & 0xffff;
  if ((flags & HEADER_CRC) !== 0 && (yield* number(2)) !== expected) throw bad('header crc mismatch');
}

/** Little endian. */
function* number(bytes: number): Generator<GzipWant, number, number> {
  let value = 0;
  for (let at = 0; at < bytes; at += 1) value += (yield 'byte') * 256 ** at;
  return value;
}
