import { crc32, inflateRawSync } from 'node:zlib';
import { type ByteSource, partOf } from './byte-source.ts';
import { archiveError } from './errors.ts';
import { overLimit } from './limits.ts';
import { corrupt, type ZipEntry } from './zip-directory.ts';

const LOCAL_MAGIC = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

/**
 * The content of one entry, its checksum compared.
 * @param limit bytes it may have
 * @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT, ARCHIVE_UNSUPPORTED
 */
export function readZipEntry(source: ByteSource, entry: ZipEntry, limit: number): Buffer {
  if (entry.bytes > limit) throw overLimit(`${nameOf(entry)} of ${entry.bytes} bytes`, limit, 'bytes');
  // Nothing grows when it is compressed, but for a few bytes a block.
  if (entry.packedBytes > entry.bytes + entry.bytes / 100 + 1024)
    throw corrupt(`${nameOf(entry)} grew when compressed`);
  const packed = packedEntry(source, entry);
  const bytes = entry.method === STORED ? packed.read(0, packed.length) : unpack(packed.read(0, packed.length), entry);
  if (bytes.length !== entry.bytes) throw corrupt(`${nameOf(entry)} has ${bytes.length} bytes, not ${entry.bytes}`);
  if (crc32(bytes) !== entry.crc32) throw corrupt(`${nameOf(entry)} does not have its checksum`);
  return bytes;
}

/**
 * A stored entry as a source of its own, so that an archive inside an archive needs no memory; undefined for one that is
 * compressed. Its checksum is not compared.
 * @throws ARCHIVE_CORRUPT, ARCHIVE_UNSUPPORTED
 */
export function storedZipEntry(source: ByteSource, entry: ZipEntry): ByteSource | undefined {
  if (entry.method !== STORED || entry.packedBytes !== entry.bytes) return undefined;
  return packedEntry(source, entry);
}

function packedEntry(source: ByteSource, entry: ZipEntry): ByteSource {
  if (entry.isEncrypted) throw archiveError('ARCHIVE_UNSUPPORTED', `${nameOf(entry)} is encrypted`);
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw archiveError('ARCHIVE_UNSUPPORTED', `${nameOf(entry)} is compressed by method ${entry.method}`);
  }
  const header = source.read(entry.offset, LOCAL_BYTES);
  if (header.readUInt32LE(0) !== LOCAL_MAGIC) throw corrupt(`${nameOf(entry)} is not where the directory says`);
  // Names and extra fields differ between directory and local header, sizes may be missing here.
  const start = entry.offset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  return partOf(source, start, entry.packedBytes);
}

function unpack(packed: Buffer, entry: ZipEntry): Buffer {
  try {
    // One byte more than it says shows a size that is too small.
    return inflateRawSync(packed, { maxOutputLength: entry.bytes + 1 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw corrupt(`${nameOf(entry)} has more than the ${entry.bytes} bytes it says`);
    }
    throw archiveError('ARCHIVE_CORRUPT', `broken zip archive: ${nameOf(entry)} cannot be unpacked`, { cause: error });
  }
}

function nameOf(entry: ZipEntry): string {
  return JSON.stringify(entry.name.slice(0, 200));
}
