import type { ByteSource } from './byte-source.ts';
import { archiveError } from './errors.ts';
import { overLimit } from './limits.ts';

/** One entry, as the central directory of the archive tells it: nothing of it is proved before it is read. */
export interface ZipEntry {
  readonly name: string;
  readonly isEncrypted: boolean;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly crc32: number;
  /** Of its local header in the source. */
  readonly offset: number;
}

export interface ZipLimits {
  readonly entries: number;
  /** Bytes of the central directory. */
  readonly directoryBytes: number;
}

export interface ZipReadOptions extends Partial<ZipLimits> {
  /** Entries that are told; all of them where undefined. Most of a large archive need not be kept. */
  readonly select?: (name: string) => boolean;
}

const LIMITS: ZipLimits = { entries: 500_000, directoryBytes: 64 * 1024 * 1024 };
const END_BYTES = 22;
const MAX_COMMENT = 0xffff;
const END_MAGIC = 0x06054b50;
const END_64_MAGIC = 0x06064b50;
const LOCATOR_MAGIC = 0x07064b50;
const LOCATOR_BYTES = 20;
const END_64_BYTES = 56;
const ENTRY_MAGIC = 0x02014b50;
const ENTRY_BYTES = 46;
const UNKNOWN_16 = 0xffff;
const UNKNOWN_32 = 0xffffffff;
const ENCRYPTED = 1;

interface Directory {
  readonly start: number;
  readonly bytes: number;
  /** Bytes before the archive: a start script, or the head of another format. */
  readonly shift: number;
}

/**
 * What a zip archive holds, by its central directory, as Java and unzip read it. Bytes before the archive are allowed:
 * executable jars begin with a script.
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 * @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT
 */
export function readZipDirectory(source: ByteSource, options: ZipReadOptions = {}): readonly ZipEntry[] {
  const { entries: maxEntries, directoryBytes, select } = { ...LIMITS, ...options };
  const { start, bytes: length, shift } = findDirectory(source);
  if (length > directoryBytes) throw overLimit('the directory of a zip archive', directoryBytes, 'bytes');
  const bytes = source.read(start, length);
  const entries: ZipEntry[] = [];
  let count = 0;
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; ) {
    if (bytes.readUInt32LE(at) !== ENTRY_MAGIC) break;
    count += 1;
    if (count > maxEntries) throw overLimit('entries of a zip archive', maxEntries, 'entries');
    const nameEnd = at + ENTRY_BYTES + bytes.readUInt16LE(at + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
    if (extraEnd > bytes.length) throw corrupt('its directory is cut');
    const name = bytes.toString('utf8', at + ENTRY_BYTES, nameEnd);
    if (select === undefined || select(name)) entries.push(entryAt(name, bytes, at, nameEnd, extraEnd, shift));
    at = extraEnd + bytes.readUInt16LE(at + 32);
  }
  if (count === 0 && length > 0) throw corrupt('its directory does not begin with an entry');
  return entries;
}

function entryAt(name: string, bytes: Buffer, at: number, nameEnd: number, extraEnd: number, shift: number): ZipEntry {
  const known = {
    bytes: bytes.readUInt32LE(at + 24),
    packedBytes: bytes.readUInt32LE(at + 20),
    offset: bytes.readUInt32LE(at + 42),
  };
  const sizes = Object.values(known).includes(UNKNOWN_32) ? withExtra(known, bytes.subarray(nameEnd, extraEnd)) : known;
  return {
    name,
    isEncrypted: (bytes.readUInt16LE(at + 8) & ENCRYPTED) !== 0,
    method: bytes.readUInt16LE(at + 10),
    crc32: bytes.readUInt32LE(at + 16),
    packedBytes: sizes.packedBytes,
    bytes: sizes.bytes,
    offset: sizes.offset + shift,
  };
}

type Sizes = { readonly bytes: number; readonly packedBytes: number; readonly offset: number };

/** Zip64: the values that did not fit, in this order, each only where it did not. */
function withExtra(known: Sizes, extra: Buffer): Sizes {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    const field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
    let next = 0;
    const whole = (value: number): number => {
      if (value !== UNKNOWN_32) return value;
      if (next + 8 > field.length) throw corrupt('an entry lacks its 64-bit size');
      next += 8;
      return bigAt(field, next - 8);
    };
    const bytes = whole(known.bytes);
    const packedBytes = whole(known.packedBytes);
    return { bytes, packedBytes, offset: whole(known.offset) };
  }
  return known;
}

function findDirectory(source: ByteSource): Directory {
  const tailBytes = Math.min(source.length, END_BYTES + MAX_COMMENT);
  const tailStart = source.length - tailBytes;
  const tail = source.read(tailStart, tailBytes);
  for (let at = tail.length - END_BYTES; at >= 0; at -= 1) {
    if (tail[at] !== 0x50 || tail.readUInt32LE(at) !== END_MAGIC) continue;
    if (at + END_BYTES + tail.readUInt16LE(at + 20) > tail.length) continue;
    const end = tailStart + at;
    const bytes = tail.readUInt32LE(at + 12);
    const start = tail.readUInt32LE(at + 16);
    const isLarge = bytes === UNKNOWN_32 || start === UNKNOWN_32 || tail.readUInt16LE(at + 10) === UNKNOWN_16;
    return (isLarge ? findLarge(source, end) : undefined) ?? placed(end, bytes, start);
  }
  throw corrupt('it has no directory');
}

function findLarge(source: ByteSource, end: number): Directory | undefined {
  if (end < LOCATOR_BYTES) return undefined;
  const locator = source.read(end - LOCATOR_BYTES, LOCATOR_BYTES);
  if (locator.readUInt32LE(0) !== LOCATOR_MAGIC) return undefined;
  const claimed = bigAt(locator, 8);
  // Where bytes stand before the archive, the record is where the locator ends, less its own length.
  for (const at of [claimed, end - LOCATOR_BYTES - END_64_BYTES]) {
    if (at < 0 || at + END_64_BYTES > source.length) continue;
    const record = source.read(at, END_64_BYTES);
    if (record.readUInt32LE(0) === END_64_MAGIC) return placed(at, bigAt(record, 40), bigAt(record, 48));
  }
  throw corrupt('its 64-bit directory is missing');
}

/** @param end where the directory ends in the source */
function placed(end: number, bytes: number, start: number): Directory {
  const real = end - bytes;
  if (real < 0 || real < start) throw corrupt('its directory lies outside it');
  return { start: real, bytes, shift: real - start };
}

function bigAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

export function corrupt(why: string): Error {
  return archiveError('ARCHIVE_CORRUPT', `broken zip archive: ${why}`);
}
