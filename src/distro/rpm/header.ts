/** Entries of one header; rpm itself refuses more. */
export const MAX_HEADER_ENTRIES = 0xffff;
/** Bytes of one header's data; rpm itself refuses more. */
export const MAX_HEADER_BYTES = 256 * 1024 * 1024;

/** Values of one tag: the largest packages have 500,000 files. More are a lie of a few bytes about a lot of memory. */
export const MAX_VALUES = 2_000_000;

const INDEX_START = 8;
const ENTRY = 16;

const TYPE = { char: 1, int8: 2, int16: 3, int32: 4, int64: 5, string: 6, binary: 7, strings: 8, i18n: 9 } as const;

/** Bytes of one value; strings end where they end. */
const WIDTH: Readonly<Record<number, number>> = {
  [TYPE.char]: 1,
  [TYPE.int8]: 1,
  [TYPE.int16]: 2,
  [TYPE.int32]: 4,
  [TYPE.int64]: 8,
  [TYPE.binary]: 1,
};

/** Tags that are read (rpmtag.h). */
export const TAG = {
  sigMd5: 261,
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  buildTime: 1006,
  size: 1009,
  vendor: 1011,
  license: 1014,
  packager: 1015,
  group: 1016,
  url: 1020,
  os: 1021,
  arch: 1022,
  fileSizes: 1028,
  fileModes: 1030,
  fileDigests: 1035,
  fileLinkTos: 1036,
  fileFlags: 1037,
  sourceRpm: 1044,
  provideName: 1047,
  requireFlags: 1048,
  requireName: 1049,
  requireVersion: 1050,
  conflictFlags: 1053,
  conflictName: 1054,
  conflictVersion: 1055,
  obsoleteName: 1090,
  provideFlags: 1112,
  provideVersion: 1113,
  obsoleteFlags: 1114,
  obsoleteVersion: 1115,
  dirIndexes: 1116,
  baseNames: 1117,
  dirNames: 1118,
  payloadFormat: 1124,
  payloadCompressor: 1125,
  recommendName: 5046,
  recommendVersion: 5047,
  recommendFlags: 5048,
  longFileSizes: 5008,
  longSize: 5009,
  fileDigestAlgorithm: 5011,
  payloadDigest: 5092,
  payloadDigestAlgorithm: 5093,
  modularityLabel: 5096,
} as const;

/**
 * One header: tags with typed values, big endian. Values are read when asked for; a value that does not lie inside the
 * header, or has another type than it should, counts as missing.
 * @see https://rpm-software-management.github.io/rpm/manual/format_header.html
 */
export class RpmHeader {
  readonly #bytes: Buffer;
  readonly #entries: ReadonlyMap<number, number>;
  readonly #data: number;
  readonly #end: number;
  /** Bytes of the whole header, without what stands before its entry count. */
  readonly size: number;

  private constructor(bytes: Buffer, entries: ReadonlyMap<number, number>, data: number, end: number) {
    this.#bytes = bytes;
    this.#entries = entries;
    this.#data = data;
    this.#end = end;
    this.size = end;
  }

  /** Bytes that begin with the entry count, as databases hold them. @throws Error that says what is wrong */
  static parse(source: Uint8Array): RpmHeader {
    const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
    if (bytes.length < INDEX_START) throw new Error(`a header of ${bytes.length} bytes is cut off`);
    const count = bytes.readUInt32BE(0);
    const dataBytes = bytes.readUInt32BE(4);
    if (count === 0 || count > MAX_HEADER_ENTRIES) throw new Error(`a header has ${count} entries`);
    if (dataBytes > MAX_HEADER_BYTES) throw new Error(`a header has ${dataBytes} bytes of data`);
    const data = INDEX_START + count * ENTRY;
    if (data + dataBytes > bytes.length) {
      throw new Error(`a header of ${data + dataBytes} bytes is cut off at ${bytes.length}`);
    }
    const entries = new Map<number, number>();
    for (let at = INDEX_START; at < data; at += ENTRY) {
      const tag = bytes.readInt32BE(at);
      // Of a tag that stands there twice the first counts, as rpm's binary search may find either.
      if (!entries.has(tag)) entries.set(tag, at);
    }
    return new RpmHeader(bytes, entries, data, data + dataBytes);
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  /** First string of a tag, whatever language comes first. */
  string(tag: number): string | undefined {
    return this.#strings(tag, 1)[0];
  }

  strings(tag: number): readonly string[] {
    return this.#strings(tag, Number.POSITIVE_INFINITY);
  }

  /** First number of a tag. */
  number(tag: number): number | undefined {
    return this.numbers(tag)[0];
  }

  numbers(tag: number): readonly number[] {
    const entry = this.#entry(tag);
    const width = entry === undefined ? undefined : WIDTH[entry.type];
    if (entry === undefined || width === undefined || entry.type === TYPE.binary) return [];
    if (entry.start + entry.count * width > this.#end) return [];
    const bytes = this.#bytes;
    return Array.from({ length: entry.count }, (_, index) => {
      const at = entry.start + index * width;
      if (width === 8) return Number(bytes.readBigUInt64BE(at));
      return bytes.readUIntBE(at, width);
    });
  }

  binary(tag: number): Buffer | undefined {
    const entry = this.#entry(tag);
    if (entry?.type !== TYPE.binary || entry.start + entry.count > this.#end) return undefined;
    return this.#bytes.subarray(entry.start, entry.start + entry.count);
  }

  #entry(tag: number): { readonly type: number; readonly start: number; readonly count: number } | undefined {
    const at = this.#entries.get(tag);
    if (at === undefined) return undefined;
    const bytes = this.#bytes;
    const start = this.#data + bytes.readUInt32BE(at + 8);
    const count = bytes.readUInt32BE(at + 12);
    // Every value has at least one byte: a count beyond the data is a lie, and no memory is taken for it.
    if (start >= this.#end || count > this.#end - start) return undefined;
    const type = bytes.readUInt32BE(at + 4);
    return count > MAX_VALUES && type !== TYPE.binary ? undefined : { type, start, count };
  }

  #strings(tag: number, most: number): readonly string[] {
    const entry = this.#entry(tag);
    if (
      entry === undefined ||
      (entry.type !== TYPE.string && entry.type !== TYPE.strings && entry.type !== TYPE.i18n)
    ) {
      return [];
    }
    const wanted = Math.min(entry.type === TYPE.string ? 1 : entry.count, most);
    const found: string[] = [];
    for (let at = entry.start; found.length < wanted; ) {
      const end = this.#bytes.indexOf(0, at);
      if (end < 0 || end >= this.#end) return [];
      found.push(this.#bytes.toString('utf8', at, end));
      at = end + 1;
    }
    return found;
  }
}
