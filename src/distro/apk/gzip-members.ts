import { crc32, inflateRawSync } from 'node:zlib';

/** One of several gzip streams behind each other (RFC 1952, 2.2). */
export interface GzipMember {
  /** As stored: what is signed. */
  readonly raw: Buffer;
  readonly content: Buffer;
}

const TRAILER_BYTES = 8;
const HAS_HEADER_SUM = 2;
const HAS_EXTRA = 4;
const HAS_NAME = 8;
const HAS_COMMENT = 16;

function afterText(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(0, at);
  if (end < 0) throw new Error('broken gzip data: its header has no end');
  return end + 1;
}

function headerEnd(bytes: Buffer): number {
  if (bytes.length < 10 || bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) throw new Error('it is not gzip');
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & HAS_EXTRA) !== 0) at += 2 + (bytes.length >= at + 2 ? bytes.readUInt16LE(at) : 0);
  if ((flags & HAS_NAME) !== 0) at = afterText(bytes, at);
  if ((flags & HAS_COMMENT) !== 0) at = afterText(bytes, at);
  return (flags & HAS_HEADER_SUM) !== 0 ? at + 2 : at;
}

/**
 * The first gzip member of these bytes; an ordinary decoder would run on into the next one and hide where it begins.
 * @throws Error: no gzip, damaged, or more than `maxBytes` unpacked
 */
export function firstMember(bytes: Buffer, maxBytes: number): GzipMember {
  const start = headerEnd(bytes);
  const { buffer, engine } = inflateRawSync(bytes.subarray(start), {
    info: true,
    maxOutputLength: maxBytes,
  }) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  const end = start + engine.bytesWritten + TRAILER_BYTES;
  if (end > bytes.length) throw new Error('broken gzip data: it ends early');
  if (crc32(buffer) !== bytes.readUInt32LE(end - TRAILER_BYTES)) throw new Error('broken gzip data: its sum is wrong');
  return { raw: bytes.subarray(0, end), content: buffer };
}
