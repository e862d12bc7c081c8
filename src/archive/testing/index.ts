import { crc32, deflateRawSync } from 'node:zlib';

/** An entry of a zip archive for tests, which may lie about itself. */
export interface ZipPart {
  readonly name: string;
  readonly content: string | Buffer;
  /** 0 stored, 8 deflated (also the default); others are written as stored. */
  readonly method?: number;
  /** What the directory says instead of the truth. */
  readonly claims?: {
    readonly bytes?: number;
    readonly packedBytes?: number;
    readonly crc32?: number;
    readonly offset?: number;
  };
  readonly flags?: number;
}

export interface ZipShape {
  /** Bytes before the archive that no offset counts. */
  readonly prefix?: Buffer;
  readonly comment?: string;
  /** Sizes and offsets stand in zip64 fields. */
  readonly is64?: boolean;
}

const LOCAL = 0x04034b50;
const ENTRY = 0x02014b50;
const END = 0x06054b50;
const UNKNOWN = 0xffffffff;

/** Bytes of a zip archive. */
export function buildZip(parts: readonly ZipPart[], { prefix, comment = '', is64 = false }: ZipShape = {}): Buffer {
  const body: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const put = (bytes: Buffer): void => {
    body.push(bytes);
    at += bytes.length;
  };
  for (const { name, content, method = 8, claims = {}, flags = 0x800 } of parts) {
    const bytes = Buffer.from(content);
    const packed = method === 8 ? deflateRawSync(bytes) : bytes;
    const sizes = {
      crc: claims.crc32 ?? crc32(bytes),
      packed: claims.packedBytes ?? packed.length,
      bytes: claims.bytes ?? bytes.length,
      offset: claims.offset ?? at,
    };
    const path = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(LOCAL, 0);
    local.writeUInt16LE(flags, 6);
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(path.length, 26);
    put(Buffer.concat([local, path, packed]));
    const extra = Buffer.alloc(is64 ? 28 : 0);
    if (is64) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      extra.writeBigUInt64LE(BigInt(sizes.bytes), 4);
      extra.writeBigUInt64LE(BigInt(sizes.packed), 12);
      extra.writeBigUInt64LE(BigInt(sizes.offset), 20);
    }
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(ENTRY, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(sizes.crc, 16);
    entry.writeUInt32LE(is64 ? UNKNOWN : sizes.packed, 20);
    entry.writeUInt32LE(is64 ? UNKNOWN : sizes.bytes, 24);
    entry.writeUInt16LE(path.length, 28);
    entry.writeUInt16LE(extra.length, 30);
    entry.writeUInt32LE(is64 ? UNKNOWN : sizes.offset, 42);
    directory.push(Buffer.concat([entry, path, extra]));
  }
  const central = Buffer.concat(directory);
  const end = is64 ? end64(parts.length, central.length, at) : Buffer.alloc(0);
  const last = endRecord(parts.length, central.length, at, is64, comment.length);
  return Buffer.concat([prefix ?? Buffer.alloc(0), ...body, central, end, last, Buffer.from(comment, 'latin1')]);
}

function endRecord(count: number, bytes: number, start: number, is64: boolean, comment: number): Buffer {
  const record = Buffer.alloc(22);
  record.writeUInt32LE(END, 0);
  record.writeUInt16LE(Math.min(count, 0xffff), 8);
  record.writeUInt16LE(Math.min(count, 0xffff), 10);
  record.writeUInt32LE(is64 ? UNKNOWN : bytes, 12);
  record.writeUInt32LE(is64 ? UNKNOWN : start, 16);
  record.writeUInt16LE(comment, 20);
  return record;
}

function end64(count: number, bytes: number, start: number): Buffer {
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(bytes), 40);
  record.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(start + bytes), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([record, locator]);
}
