import { elfError } from './errors.ts';

/** Longest name; C++ names of a few thousand characters exist. */
const MAX_NAME_BYTES = 64 * 1024;
/** All names of one file together: many symbols may point into the same long text. */
const MAX_NAMES_BYTES = 128 * 1024 * 1024;

export function invalid(why: string): never {
  throw elfError('ELF_INVALID', `broken ELF file: ${why}`);
}

export function overLimit(what: string, limit: number): never {
  throw elfError('ELF_LIMIT', `ELF file: ${what}, more than ${limit}`);
}

/** Numbers and texts of an ELF file in its own byte order and word size; every read is checked against its length. */
export class ElfView {
  readonly bytes: Buffer;
  readonly is64: boolean;
  readonly isLittle: boolean;
  readonly #view: DataView;
  readonly #names = new Map<number, string>();
  #nameBytes = 0;

  /** @param whole the file's head, where `bytes` are a part from elsewhere in it */
  constructor(bytes: Uint8Array, whole?: ElfView) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.is64 = whole?.is64 ?? bytes[4] === 2;
    this.isLittle = whole?.isLittle ?? bytes[5] === 1;
  }

  u8(at: number): number {
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    return this.#view.getUint16(at, this.isLittle);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, this.isLittle);
  }

  u64(at: number): number {
    const high = this.u32(this.isLittle ? at + 4 : at);
    const low = this.u32(this.isLittle ? at : at + 4);
    const value = high * 2 ** 32 + low;
    // Addresses at the top of the address space lie in no file; any number that is out of range everywhere will do.
    return Math.min(value, Number.MAX_SAFE_INTEGER);
  }

  /** A word of the file's class. */
  word(at: number): number {
    return this.is64 ? this.u64(at) : this.u32(at);
  }

  get wordBytes(): 4 | 8 {
    return this.is64 ? 8 : 4;
  }

  /** The text at `at`, ended by a NUL before `end`. */
  text(at: number, end: number): string {
    const known = this.#names.get(at);
    if (known !== undefined) return known;
    if (at >= end || end > this.bytes.length) invalid('a name lies outside its table');
    const stop = this.bytes.indexOf(0, at);
    if (stop < 0 || stop >= end) invalid('a name does not end');
    if (stop - at > MAX_NAME_BYTES) overLimit(`a name of ${stop - at} bytes`, MAX_NAME_BYTES);
    this.#nameBytes += stop - at;
    if (this.#nameBytes > MAX_NAMES_BYTES) overLimit(`names of ${this.#nameBytes} bytes`, MAX_NAMES_BYTES);
    const name = this.bytes.toString('utf8', at, stop);
    this.#names.set(at, name);
    return name;
  }
}
