import { archiveError } from './errors.ts';
import { MAX_PAX_BYTES, overLimit } from './limits.ts';
import { decodePath, normalizePath } from './path.ts';
import { type PaxRecords, parsePax, paxInteger, paxTime, XATTR_PREFIX } from './pax.ts';
import { BLOCK, isZeroBlock, readBlock, type TarBlock } from './tar-block.ts';
import type { ArchiveLimits, TarEntryType, TarHeader } from './types.ts';

/** What a 512-byte block turned out to be. */
export type TarStep =
  | { readonly kind: 'entry'; readonly header: TarHeader }
  /** `size` bytes of metadata (pax header, GNU long name) follow: hand them to `metadata`. */
  | { readonly kind: 'metadata'; readonly size: number }
  | { readonly kind: 'skip'; readonly size: number }
  | { readonly kind: 'zero' };

const ZERO: TarStep = { kind: 'zero' };

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/** Bytes of content and its padding to the next block. */
export const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

function withoutNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/**
 * Turns header blocks and metadata into normalised entries; knows nothing of streams.
 * One instance reads one archive: it carries global pax records and what applies to the next entry.
 */
export class TarHeaders {
  #entries = 0;
  #pending: 'x' | 'g' | 'L' | 'K' | undefined;
  #global: PaxRecords | undefined;
  #local: PaxRecords | undefined;
  #longName: Buffer | undefined;
  #longLink: Buffer | undefined;
  readonly #limits: ArchiveLimits;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /** True where metadata came whose entry has not: an archive must not end here. */
  get dangling(): boolean {
    return (this.#local ?? this.#longName ?? this.#longLink) !== undefined;
  }

  /** @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT, ARCHIVE_PATH_ESCAPE, ARCHIVE_UNSUPPORTED */
  block(buffer: Buffer, at: number): TarStep {
    if (buffer[at] === 0 && isZeroBlock(buffer, at)) return ZERO;
    const block = readBlock(buffer, at);
    switch (block.type) {
      case 'x':
      case 'X':
        return this.#expect('x', block.size, MAX_PAX_BYTES);
      case 'g':
        return this.#expect('g', block.size, MAX_PAX_BYTES);
      case 'L':
      case 'K':
        return this.#expect(block.type, block.size, this.#limits.pathLength + BLOCK);
      case 'V':
        return { kind: 'skip', size: block.size };
      default:
        return { kind: 'entry', header: this.#entry(block) };
    }
  }

  #expect(type: 'x' | 'g' | 'L' | 'K', size: number, limit: number): TarStep {
    if (size > limit) throw overLimit(`a tar metadata entry of ${size} bytes`, limit, 'bytes');
    this.#pending = type;
    return { kind: 'metadata', size };
  }

  /** Takes the bytes announced by a `metadata` step; they are copied where they must outlive the call. */
  metadata(bytes: Buffer): void {
    const type = this.#pending;
    this.#pending = undefined;
    if (type === 'L') this.#longName = Buffer.from(withoutNul(bytes));
    else if (type === 'K') this.#longLink = Buffer.from(withoutNul(bytes));
    else {
      const records = parsePax(Buffer.from(bytes));
      for (const key of records.keys()) {
        if (key.startsWith('GNU.sparse.')) unsupported('sparse files');
      }
      if (type === 'g') this.#global = new Map([...(this.#global ?? []), ...records]);
      else this.#local = this.#local === undefined ? records : new Map([...this.#local, ...records]);
    }
  }

  #entry(block: TarBlock): TarHeader {
    this.#entries += 1;
    if (this.#entries > this.#limits.entries) throw overLimit('the number of entries', this.#limits.entries, 'entries');
    const pax =
      this.#global === undefined
        ? this.#local
        : new Map([...this.#global, ...(this.#local ?? new Map<string, Buffer>())]);
    const longName = this.#longName;
    const longLink = this.#longLink;
    this.#local = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    const paxPath = pax?.get('path');
    const paxLink = pax?.get('linkpath');
    const name = longName ?? (paxPath !== undefined && paxPath.length > 0 ? paxPath : block.name);
    const link = longLink ?? (paxLink !== undefined && paxLink.length > 0 ? paxLink : block.linkName);
    return this.#normal(block, name, link, pax);
  }

  #normal(block: TarBlock, rawName: Buffer, rawLink: Buffer, pax: PaxRecords | undefined): TarHeader {
    const name = decodePath(rawName);
    const size = integer(pax, 'size', block.size);
    const type = entryType(block.type, name, size);
    const path = normalizePath(name, this.#limits);
    if (path === '' && type !== 'directory') {
      throw archiveError('ARCHIVE_CORRUPT', `a ${type} entry has no name`);
    }
    if (type === 'file' && size > this.#limits.bytes)
      throw overLimit(`${path}: ${size} bytes`, this.#limits.bytes, 'bytes');
    const linkName = linkTarget(type, decodePath(rawLink), path, this.#limits);
    const xattrs = pax === undefined ? undefined : xattrsOf(pax);
    return {
      path,
      type,
      mode: block.mode,
      uid: integer(pax, 'uid', block.uid),
      gid: integer(pax, 'gid', block.gid),
      // Links, folders and devices have no content, whatever their header says (as in GNU tar and archive/tar).
      size: type === 'file' ? size : 0,
      mtime: time(pax, block.mtime),
      ...(linkName === undefined ? {} : { linkName }),
      ...(type === 'character' || type === 'block'
        ? { deviceMajor: block.deviceMajor, deviceMinor: block.deviceMinor }
        : {}),
      ...(xattrs === undefined ? {} : { xattrs }),
    };
  }
}

function unsupported(what: string): never {
  throw archiveError('ARCHIVE_UNSUPPORTED', `the tar archive uses ${what}, which no layer or package may`, {
    hint: 'Write the archive again without it (for GNU tar: without --sparse and --multi-volume).',
  });
}

function integer(pax: PaxRecords | undefined, key: 'size' | 'uid' | 'gid', fallback: number): number {
  const value = pax?.get(key);
  return value === undefined || value.length === 0 ? fallback : paxInteger(key, value);
}

function time(pax: PaxRecords | undefined, fallback: number): number {
  const value = pax?.get('mtime');
  return value === undefined || value.length === 0 ? fallback : paxTime('mtime', value);
}

function entryType(flag: string, name: string, size: number): TarEntryType {
  const type = TYPES[flag];
  if (type === undefined) {
    if (flag === 'S') unsupported('sparse files');
    if (flag === 'M') unsupported('multiple volumes');
    unsupported(`the entry type ${JSON.stringify(flag)}`);
  }
  // Version 7 tars mark a folder by a trailing slash alone.
  if (type !== 'file' || !name.endsWith('/')) return type;
  if (size > 0 && flag !== '\0') {
    throw archiveError(
      'ARCHIVE_CORRUPT',
      `${JSON.stringify(name.slice(0, 200))} is a folder by name and a file by size`,
    );
  }
  return 'directory';
}

function linkTarget(type: TarEntryType, link: string, path: string, limits: ArchiveLimits): string | undefined {
  if (type !== 'symlink' && type !== 'hardlink') return undefined;
  if (link === '') throw archiveError('ARCHIVE_CORRUPT', `${path}: a ${type} without a target`);
  if (type === 'hardlink') return normalizePath(link, limits);
  if (link.includes('\0')) throw archiveError('ARCHIVE_CORRUPT', `${path}: a symlink target holds a NUL byte`);
  if (link.length > limits.pathLength) throw overLimit(`${path}: its symlink target`, limits.pathLength, 'bytes');
  return link;
}

function xattrsOf(pax: PaxRecords): ReadonlyMap<string, Uint8Array> | undefined {
  let xattrs: Map<string, Uint8Array> | undefined;
  for (const [key, value] of pax) {
    if (!key.startsWith(XATTR_PREFIX)) continue;
    xattrs ??= new Map();
    xattrs.set(key.slice(XATTR_PREFIX.length), value);
  }
  return xattrs;
}
