import { archiveError } from './errors.ts';

/** Records of one pax header: keyword → raw value bytes (POSIX pax, "pax Header Block"). */
export type PaxRecords = Map<string, Buffer>;

export const XATTR_PREFIX = 'SCHILY.xattr.';

const corrupt = (why: string): never => {
  throw archiveError('ARCHIVE_CORRUPT', `bad pax header: ${why}`);
};

/** Reads `"%d %s=%s\n"` records. @throws ARCHIVE_CORRUPT */
export function parsePax(bytes: Buffer): PaxRecords {
  const records: PaxRecords = new Map();
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 || space - at > 10 || space === at ? '' : bytes.toString('latin1', at, space);
    if (!/^\d+$/.test(digits)) corrupt(`no record length at byte ${at}`);
    const end = at + Number(digits);
    if (end > bytes.length || end <= space + 1) corrupt(`record length ${digits} at byte ${at} does not fit`);
    if (bytes[end - 1] !== 0x0a) corrupt(`record at byte ${at} does not end in a newline`);
    const equals = bytes.indexOf(0x3d, space + 1);
    if (equals < 0 || equals >= end || equals === space + 1) corrupt(`record at byte ${at} has no keyword`);
    const key = bytes.toString('utf8', space + 1, equals);
    if (key.includes('\0')) corrupt(`keyword at byte ${at} holds a NUL`);
    records.set(key, bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** Writes records in the order of their keywords' bytes, so the same records give the same bytes. */
export function formatPax(records: ReadonlyMap<string, Uint8Array>): Buffer {
  const parts: Buffer[] = [];
  const keyed = [...records].map(([key, value]) => ({ key: Buffer.from(key, 'utf8'), value }));
  for (const { key, value } of keyed.sort((a, b) => Buffer.compare(a.key, b.key))) {
    const rest = key.length + value.length + 3;
    let length = rest + String(rest).length;
    if (String(length).length > String(rest).length) length += 1;
    parts.push(Buffer.from(`${length} `), key, Buffer.from('='), Buffer.from(value), Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}

/** A decimal pax value such as size, uid or gid. @throws ARCHIVE_CORRUPT */
export function paxInteger(key: string, value: Buffer): number {
  const text = value.toString('latin1');
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number)) corrupt(`${key} is not a number`);
  return number;
}

/** A pax time in whole seconds, rounded down. @throws ARCHIVE_CORRUPT */
export function paxTime(key: string, value: Buffer): number {
  const text = value.toString('latin1');
  const number = Math.floor(Number(text));
  if (!/^-?\d{1,16}(?:\.\d*)?$/.test(text) || !Number.isSafeInteger(number)) corrupt(`${key} is not a time`);
  return number;
}
