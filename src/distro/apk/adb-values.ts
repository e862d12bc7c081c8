import { distroError } from '../errors.ts';

/** Slots of arrays and objects that are followed in one file: an index of 100,000 packages with all its relations. */
const MAX_SLOTS = 40_000_000;

const INT = 0x1;
const INT_32 = 0x2;
const INT_64 = 0x3;
const BLOB_8 = 0x8;
const BLOB_16 = 0x9;
const BLOB_32 = 0xa;
const ARRAY = 0xd;
const OBJECT = 0xe;
const VALUE_MASK = 0x0fffffff;

const HEADER_BYTES = 8;

export const invalidAdb = (what: string, why: string): Error =>
  distroError('DISTRO_ADB_INVALID', `${what} is no usable apk v3 data: ${why}`, {
    hint: 'The file is damaged or was tampered with: fetch it again, or make it again with apk.',
  });

/** A value that was not looked at yet: type in the highest 4 bits, offset or number in the rest. */
export type AdbValue = number;

/**
 * Values of one ADB payload. Whoever reads says what he expects, as schemas are not in the file; a value of another type
 * is as good as none, an offset outside is an error. Damage and malice cost no more than a file of that size can: blobs
 * are copied once (written by apk they never overlap), slots are counted.
 *
 * @see https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-v3.5.scd
 */
export class AdbValues {
  readonly #bytes: Buffer;
  readonly #what: string;
  readonly #texts = new Map<AdbValue, string>();
  #taken = 0;
  #slots = 0;
  readonly root: AdbValue;

  /** @throws DISTRO_ADB_INVALID */
  constructor(payload: Buffer, what: string) {
    if (payload.length < HEADER_BYTES) throw invalidAdb(what, 'it is too short');
    if (payload[0] !== 0) throw invalidAdb(what, `it needs a reader of version ${payload[0]}`);
    this.#bytes = payload;
    this.#what = what;
    this.root = payload.readUInt32LE(4);
  }

  #at(offset: number, size: number): number {
    if (offset + size > this.#bytes.length) throw invalidAdb(this.#what, `a value lies at ${offset}, past its end`);
    return offset;
  }

  /** 0 where it is no number; numbers over 2^53 lose their last digits. */
  int(value: AdbValue): number {
    const offset = value & VALUE_MASK;
    switch (value >>> 28) {
      case INT:
        return offset;
      case INT_32:
        return this.#bytes.readUInt32LE(this.#at(offset, 4));
      case INT_64:
        return Number(this.#bytes.readBigUInt64LE(this.#at(offset, 8)));
      default:
        return 0;
    }
  }

  /** A view of the payload; undefined where the value is no blob. */
  blob(value: AdbValue): Buffer | undefined {
    const offset = value & VALUE_MASK;
    const type = value >>> 28;
    if (type !== BLOB_8 && type !== BLOB_16 && type !== BLOB_32) return undefined;
    const width = type === BLOB_8 ? 1 : type === BLOB_16 ? 2 : 4;
    const size = this.#bytes.readUIntLE(this.#at(offset, width), width);
    const start = this.#at(offset + width, size);
    return this.#bytes.subarray(start, start + size);
  }

  /** A blob that is read once: all of them together are no longer than the payload. */
  part(value: AdbValue): Buffer | undefined {
    const bytes = this.blob(value);
    this.#taken += bytes?.length ?? 0;
    if (this.#taken > this.#bytes.length) throw invalidAdb(this.#what, 'its values overlap');
    return bytes;
  }

  /** '' where the value is no blob. */
  text(value: AdbValue): string {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const bytes = this.part(value);
    if (bytes === undefined) return '';
    const text = bytes.toString('utf8');
    this.#texts.set(value, text);
    return text;
  }

  /** Slots of an object or items of an array, from index 1; empty where the value is neither. */
  slots(value: AdbValue): AdbSlots {
    const type = value >>> 28;
    if (type !== ARRAY && type !== OBJECT) return new AdbSlots(this.#bytes, 0, 1);
    const offset = this.#at(value & VALUE_MASK, 4);
    const count = this.#bytes.readUInt32LE(offset);
    if (count === 0) return new AdbSlots(this.#bytes, 0, 1);
    this.#at(offset, count * 4);
    this.#slots += count;
    if (this.#slots > MAX_SLOTS) throw invalidAdb(this.#what, `it has over ${MAX_SLOTS} values`);
    return new AdbSlots(this.#bytes, offset, count);
  }
}

export class AdbSlots {
  readonly #bytes: Buffer;
  readonly #offset: number;
  readonly #count: number;

  constructor(bytes: Buffer, offset: number, count: number) {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#count = count;
  }

  /** The slot of a field number; 0 (null) where the writer was older than the field. */
  get(field: number): AdbValue {
    return field < this.#count ? this.#bytes.readUInt32LE(this.#offset + field * 4) : 0;
  }

  *items(): Generator<AdbValue, void> {
    for (let at = 1; at < this.#count; at += 1) yield this.get(at);
  }
}
