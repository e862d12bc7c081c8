import { archiveError } from './errors.ts';

/** Layout of a 512-byte tar header (POSIX ustar interchange format; GNU and star variants where they differ). */
export const BLOCK = 512;

/** Fields of one block, numbers decoded, names still bytes. */
export interface TarBlock {
  readonly name: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly type: string;
  readonly linkName: Buffer;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

const corrupt = (why: string): never => {
  throw archiveError('ARCHIVE_CORRUPT', `bad tar header: ${why}`);
};

export function isZeroBlock(buffer: Buffer, at: number): boolean {
  for (let i = at; i < at + BLOCK; i += 1) if (buffer[i] !== 0) return false;
  return true;
}

function field(buffer: Buffer, start: number, length: number): Buffer {
  let end = start;
  const limit = start + length;
  while (end < limit && buffer[end] !== 0) end += 1;
  return buffer.subarray(start, end);
}

/** Octal with leading spaces or zeros, ended by NUL or space; or GNU base-256 when the top bit is set. */
function number(buffer: Buffer, start: number, length: number, what: string): number {
  const first = buffer[start] as number;
  if (first >= 0x80) return base256(buffer, start, length, what);
  const limit = start + length;
  let at = start;
  while (at < limit && (buffer[at] === 0x20 || buffer[at] === 0)) at += 1;
  let value = 0;
  for (; at < limit; at += 1) {
    const digit = (buffer[at] as number) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; at < limit; at += 1) {
    if (buffer[at] !== 0x20 && buffer[at] !== 0) corrupt(`${what} is not an octal number`);
  }
  return value;
}

function base256(buffer: Buffer, start: number, length: number, what: string): number {
  const negative = ((buffer[start] as number) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  value = (value << 6n) | BigInt((buffer[start] as number) & 0x3f);
  for (let at = start + 1; at < start + length; at += 1) value = (value << 8n) | BigInt(buffer[at] as number);
  const result = Number(value);
  if (!Number.isSafeInteger(result)) corrupt(`${what} overflows`);
  return result;
}

/** Sum of all bytes with the checksum field read as spaces; very old tars summed signed bytes. */
function checksumFits(buffer: Buffer, at: number): boolean {
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let i = at; i < at + BLOCK; i += 1) {
    if (i === at + 148) i = at + 156;
    const byte = buffer[i] as number;
    unsigned += byte;
    if (byte >= 0x80) high += 1;
  }
  const stored = number(buffer, at + 148, 8, 'checksum');
  return stored === unsigned || stored === unsigned - 256 * high;
}

function isNegative(...values: readonly number[]): boolean {
  return values.some((value) => value < 0);
}

/** Decodes the block at `at`; the caller has made sure that 512 bytes are there. @throws ARCHIVE_CORRUPT */
export function readBlock(buffer: Buffer, at: number): TarBlock {
  if (!checksumFits(buffer, at)) corrupt('wrong checksum');
  const magic = buffer.toString('latin1', at + 257, at + 265);
  const posix = magic.startsWith('ustar\0');
  const star = posix && buffer.toString('latin1', at + 508, at + 512) === 'tar\0';
  const prefix = posix ? field(buffer, at + 345, star ? 131 : 155) : undefined;
  const short = field(buffer, at, 100);
  const type = String.fromCharCode(buffer[at + 156] as number);
  const device = type === '3' || type === '4';
  const block: TarBlock = {
    name: prefix && prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), short]) : short,
    mode: number(buffer, at + 100, 8, 'mode') & 0o7777,
    uid: number(buffer, at + 108, 8, 'uid'),
    gid: number(buffer, at + 116, 8, 'gid'),
    size: number(buffer, at + 124, 12, 'size'),
    mtime: number(buffer, at + 136, 12, 'mtime'),
    type,
    linkName: field(buffer, at + 157, 100),
    deviceMajor: device ? number(buffer, at + 329, 8, 'device major') : 0,
    deviceMinor: device ? number(buffer, at + 337, 8, 'device minor') : 0,
  };
  if (isNegative(block.uid, block.gid, block.size, block.deviceMajor, block.deviceMinor)) corrupt('a negative number');
  return block;
}
