import { MAX_HEADER_BYTES } from './header.ts';
import type { ReportProblem } from './sqlite-table.ts';

const HASH_MAGIC = 0x00061561;
const VERSIONS: ReadonlySet<number> = new Set([8, 9, 10]);
const PAGE_HEADER = 26;
const PAGE_TYPE = { unsortedHash: 2, overflow: 7, hashMeta: 8, hash: 13 } as const;
const ITEM = { keyData: 1, offPage: 3 } as const;
/** rpm keeps the highest package number under key 0. */
const COUNTER_KEY = 0;

interface HashFile {
  readonly bytes: Buffer;
  readonly pageSize: number;
  readonly u16: (at: number) => number;
  readonly u32: (at: number) => number;
}

/** Numbers are in the byte order of the machine that wrote them. */
function openHash(source: Uint8Array): HashFile {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  if (bytes.length < 512) throw new Error('it is no Berkeley DB file');
  const isLittle = bytes.readUInt32LE(12) === HASH_MAGIC;
  if (!isLittle && bytes.readUInt32BE(12) !== HASH_MAGIC) throw new Error('it is no Berkeley DB hash');
  const u32 = (at: number): number => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const u16 = (at: number): number => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const version = u32(16);
  const pageSize = u32(20);
  if (!VERSIONS.has(version)) throw new Error(`its format is version ${version}`);
  if (bytes.readUInt8(24) !== 0) throw new Error('it is encrypted');
  if (bytes.readUInt8(25) !== PAGE_TYPE.hashMeta) throw new Error('its first page is no description of a hash');
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) {
    throw new Error(`its page size is ${pageSize}`);
  }
  return { bytes, pageSize, u16, u32 };
}

/** Content that did not fit into its page, from a chain of pages. */
function offPage(file: HashFile, first: number, size: number, used: Set<number>): Buffer {
  const { bytes, pageSize, u16, u32 } = file;
  if (size > Math.min(MAX_HEADER_BYTES, bytes.length)) throw new Error(`it claims ${size} bytes`);
  const parts: Buffer[] = [];
  let missing = size;
  for (let number = first; missing > 0; ) {
    const start = number * pageSize;
    if (number === 0 || start + pageSize > bytes.length) throw new Error(`page ${number} is missing`);
    if (used.has(number)) throw new Error(`page ${number} is used twice`);
    used.add(number);
    if (bytes.readUInt8(start + 25) !== PAGE_TYPE.overflow) throw new Error(`page ${number} holds something else`);
    const held = u16(start + 22);
    if (held === 0 || held > pageSize - PAGE_HEADER) throw new Error(`page ${number} holds ${held} bytes`);
    const part = bytes.subarray(start + PAGE_HEADER, start + PAGE_HEADER + Math.min(held, missing));
    parts.push(part);
    missing -= part.length;
    number = u32(start + 16);
  }
  return Buffer.concat(parts, size);
}

/** One item of a page: they fill it from its end, each up to where the one before begins. */
function itemOf(file: HashFile, page: number, index: number, used: Set<number>): Buffer {
  const { bytes, pageSize, u16, u32 } = file;
  const offset = u16(page + PAGE_HEADER + index * 2);
  const end = index === 0 ? pageSize : u16(page + PAGE_HEADER + (index - 1) * 2);
  if (offset < PAGE_HEADER || offset >= end || end > pageSize) throw new Error('an item lies outside its page');
  const type = bytes.readUInt8(page + offset);
  if (type === ITEM.keyData) return bytes.subarray(page + offset + 1, page + end);
  if (type !== ITEM.offPage || end - offset < 12) throw new Error(`an item is of type ${type}`);
  return offPage(file, u32(page + offset + 4), u32(page + offset + 8), used);
}

/**
 * Package headers of rpm's Packages in Berkeley DB's hash format (distributions until 2020). Pages are read in the
 * file's order: which bucket they belong to does not matter to who wants all of them.
 *
 * @throws Error where it is no such database
 */
export function* readBdb(source: Uint8Array, report: ReportProblem): Generator<Buffer, void> {
  const file = openHash(source);
  const { bytes, pageSize, u16 } = file;
  const used = new Set<number>();
  if ((file.u32(32) + 1) * pageSize > bytes.length) report('it is cut off');
  for (let page = pageSize; page + pageSize <= bytes.length; page += pageSize) {
    const type = bytes.readUInt8(page + 25);
    if (type !== PAGE_TYPE.hash && type !== PAGE_TYPE.unsortedHash) continue;
    const items = u16(page + 20);
    if (items > (pageSize - PAGE_HEADER) / 2) {
      report(`page ${page / pageSize} claims ${items} items`);
      continue;
    }
    for (let index = 0; index + 1 < items; index += 2) {
      try {
        const key = itemOf(file, page, index, used);
        // Zero is zero in either byte order.
        if (key.length === 4 && key.readUInt32LE(0) === COUNTER_KEY) continue;
        yield itemOf(file, page, index + 1, used);
      } catch (error) {
        report(`an entry of page ${page / pageSize}: ${(error as Error).message}`);
      }
    }
  }
}
