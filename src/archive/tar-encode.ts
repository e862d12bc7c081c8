import { archiveError } from './errors.ts';
import { encodePath } from './path.ts';
import { formatPax, XATTR_PREFIX } from './pax.ts';
import { BLOCK } from './tar-block.ts';
import type { TarEntryType, TarHeader } from './types.ts';

const FLAGS: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
/** Largest number in a field of 7 and of 11 octal digits. */
const MAX_SHORT = 0o7777777;
const MAX_LONG = 0o77777777777;

const isAscii = (bytes: Buffer): boolean => bytes.every((byte) => byte < 0x80);

interface RawBlock {
  readonly name: Buffer;
  readonly prefix: Buffer;
  readonly link: Buffer;
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly device: readonly [major: number, minor: number];
}

function octal(block: Buffer, at: number, digits: number, value: number): void {
  block.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
}

function encodeBlock(raw: RawBlock): Buffer {
  const block = Buffer.alloc(BLOCK);
  raw.name.copy(block, 0, 0, NAME_BYTES);
  octal(block, 100, 7, raw.mode);
  octal(block, 108, 7, raw.uid);
  octal(block, 116, 7, raw.gid);
  octal(block, 124, 11, raw.size);
  octal(block, 136, 11, raw.mtime);
  block.fill(0x20, 148, 156);
  block.write(raw.flag, 156, 'latin1');
  raw.link.copy(block, 157, 0, NAME_BYTES);
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 7, raw.device[0]);
  octal(block, 337, 7, raw.device[1]);
  raw.prefix.copy(block, 345, 0, PREFIX_BYTES);
  let sum = 0;
  for (const byte of block) sum += byte;
  octal(block, 148, 6, sum);
  block[154] = 0;
  return block;
}

/** Splits a long name at a slash into ustar's prefix and name; undefined where no slash fits. */
function split(name: Buffer): { prefix: Buffer; name: Buffer } | undefined {
  if (name.length <= NAME_BYTES) return { prefix: Buffer.alloc(0), name };
  for (let at = Math.min(PREFIX_BYTES, name.length - 2); at > 0 && name.length - at - 1 <= NAME_BYTES; at -= 1) {
    if (name[at] === 0x2f) return { prefix: name.subarray(0, at), name: name.subarray(at + 1) };
  }
  return undefined;
}

/** The name of a pax header entry; read by nobody, but it must be the same everywhere. */
function paxName(name: Buffer): Buffer {
  const text = name.toString('latin1').replace(/\/$/, '');
  const last = text.slice(text.lastIndexOf('/') + 1).replace(/[^!-~]/g, '_');
  return Buffer.from(`PaxHeaders.0/${last.slice(0, NAME_BYTES - 13)}`, 'latin1');
}

function checkNumbers(header: TarHeader): void {
  const numbers = [header.uid, header.gid, header.size, header.deviceMajor ?? 0, header.deviceMinor ?? 0];
  const bad = numbers.some((value) => !Number.isSafeInteger(value) || value < 0) || !Number.isSafeInteger(header.mtime);
  const device = (header.deviceMajor ?? 0) > MAX_SHORT || (header.deviceMinor ?? 0) > MAX_SHORT;
  if (bad || device) throw archiveError('ARCHIVE_UNSUPPORTED', `${header.path}: a number that tar cannot hold`);
}

/**
 * The header of an entry: ustar where everything fits, else a pax header before it with exactly what does not fit,
 * keywords sorted. No access or change times, no user names: the same header gives the same bytes on any machine.
 */
export function encodeHeader(header: TarHeader): Buffer {
  checkNumbers(header);
  const records = new Map<string, Buffer>();
  const name = encodePath(header.type === 'directory' ? `${header.path === '' ? '.' : header.path}/` : header.path);
  const link = header.linkName === undefined ? Buffer.alloc(0) : encodePath(header.linkName);
  const parts = split(name);
  if (parts === undefined || !isAscii(name)) records.set('path', name);
  if (link.length > NAME_BYTES || !isAscii(link)) records.set('linkpath', link);
  const field = (key: string, value: number, limit: number): number => {
    if (value >= 0 && value <= limit) return value;
    records.set(key, Buffer.from(String(value)));
    return 0;
  };
  const size = header.type === 'file' ? header.size : 0;
  const raw: RawBlock = {
    name: parts?.name ?? name,
    prefix: parts?.prefix ?? Buffer.alloc(0),
    link,
    flag: FLAGS[header.type],
    mode: header.mode & 0o7777,
    uid: field('uid', header.uid, MAX_SHORT),
    gid: field('gid', header.gid, MAX_SHORT),
    size: field('size', size, MAX_LONG),
    mtime: field('mtime', header.mtime, MAX_LONG),
    device: [header.deviceMajor ?? 0, header.deviceMinor ?? 0],
  };
  for (const [key, value] of header.xattrs ?? []) records.set(XATTR_PREFIX + key, Buffer.from(value));
  if (records.size === 0) return encodeBlock(raw);
  const body = formatPax(records);
  const pax = encodeBlock({
    ...raw,
    name: paxName(name),
    prefix: Buffer.alloc(0),
    link: Buffer.alloc(0),
    flag: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 0,
    device: [0, 0],
  });
  return Buffer.concat([pax, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK), encodeBlock(raw)]);
}
