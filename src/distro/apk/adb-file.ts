import { inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { messageOf } from '../../base/index.ts';
import { AdbValues, invalidAdb } from './adb-values.ts';

/** What an index or a database may unpack to: that of all of Alpine has 12 MB. */
export const MAX_ADB_BYTES = 256 * 1024 * 1024;

/** What the root object is, by the four letters in the file's header. */
export const ADB_SCHEMA = { index: 0x78646e69, package: 0x676b6370, installed: 0x00626469 } as const;

const ADB_BLOCK = 0;
const SIGNATURE_BLOCK = 1;
const DATA_BLOCK = 2;
const EXTENDED = 3;
const ALIGNMENT = 8;
const FILE_HEADER_BYTES = 8;

/** A file in apk's version 3 container. */
export interface AdbFile {
  readonly schema: number;
  /** What is signed: the header and all values. */
  readonly payload: Buffer;
  readonly values: AdbValues;
  readonly signatures: readonly Buffer[];
  /** Contents of a package's files. */
  readonly data: readonly Buffer[];
}

interface Block {
  readonly type: number;
  readonly content: Buffer;
  readonly next: number;
}

function blockAt(bytes: Buffer, at: number, what: string): Block {
  if (at + 4 > bytes.length) throw invalidAdb(what, 'it ends in the middle of a block');
  const word = bytes.readUInt32LE(at);
  const extended = word >>> 30 === EXTENDED;
  if (extended && at + 16 > bytes.length) throw invalidAdb(what, 'it ends in the middle of a block');
  const headerBytes = extended ? 16 : 4;
  const size = extended ? Number(bytes.readBigUInt64LE(at + 8)) : word & 0x3fffffff;
  if (size < headerBytes || at + size > bytes.length) throw invalidAdb(what, 'a block is longer than the file');
  const type = extended ? word & 0x3fffffff : word >>> 30;
  const next = at + Math.ceil(size / ALIGNMENT) * ALIGNMENT;
  return { type, content: bytes.subarray(at + headerBytes, at + size), next };
}

function unpack(bytes: Buffer, what: string, maxOutputLength: number): Buffer {
  const limit = { maxOutputLength };
  try {
    switch (bytes.toString('latin1', 0, 4)) {
      case 'ADB.':
        return bytes;
      case 'ADBd':
        return inflateRawSync(bytes.subarray(4), limit);
      case 'ADBc':
        if (bytes[4] === 0) return bytes.subarray(6);
        if (bytes[4] === 1) return inflateRawSync(bytes.subarray(6), limit);
        if (bytes[4] === 2) return zstdDecompressSync(bytes.subarray(6), limit);
        throw new Error(`compression ${bytes[4]} is not known`);
      default:
        throw new Error('it does not begin with ADB');
    }
  } catch (error) {
    throw invalidAdb(what, messageOf(error));
  }
}

export const isAdb = (bytes: Uint8Array): boolean => bytes[0] === 0x41 && bytes[1] === 0x44 && bytes[2] === 0x42;

/** Blocks in their only order: values, signatures, data. */
export function readBlocks(bytes: Buffer, schema: number, what: string): AdbFile {
  const signatures: Buffer[] = [];
  const data: Buffer[] = [];
  const first = blockAt(bytes, 0, what);
  if (first.type !== ADB_BLOCK) throw invalidAdb(what, 'its first block holds no values');
  for (let at = first.next; at < bytes.length; ) {
    const block = blockAt(bytes, at, what);
    if (block.type === SIGNATURE_BLOCK && data.length === 0) signatures.push(block.content);
    else if (block.type === DATA_BLOCK) data.push(block.content);
    else throw invalidAdb(what, `a block of type ${block.type} stands where none may`);
    at = block.next;
  }
  return { schema, payload: first.content, values: new AdbValues(first.content, what), signatures, data };
}

/**
 * Opens an apk v3 file: an index, a package or an installed database; plain, deflate or zstd.
 *
 * @param schema what it must be
 * @param maxBytes what it may unpack to
 * @throws DISTRO_ADB_INVALID
 * @see https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-v3.5.scd
 */
export function readAdb(bytes: Uint8Array, schema: number, what: string, maxBytes = MAX_ADB_BYTES): AdbFile {
  const file = unpack(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), what, maxBytes);
  if (file.length < FILE_HEADER_BYTES || file.toString('latin1', 0, 4) !== 'ADB.') {
    throw invalidAdb(what, 'it has no ADB header');
  }
  const found = file.readUInt32LE(4);
  if (found !== schema) throw invalidAdb(what, `it is of another kind (${nameOf(found)}, not ${nameOf(schema)})`);
  return readBlocks(file.subarray(FILE_HEADER_BYTES), schema, what);
}

const nameOf = (schema: number): string =>
  Object.entries(ADB_SCHEMA).find(([, id]) => id === schema)?.[0] ?? `0x${schema.toString(16)}`;
