import { createHash } from 'node:crypto';
import { decompressBuffer, detectCompression } from '../../archive/index.ts';
import { isHeraklitError, messageOf } from '../../base/index.ts';
import type { Keyring } from '../deb/keyring.ts';
import { verifyDetached } from '../detached-signature.ts';
import { distroError } from '../errors.ts';
import { unsigned } from '../signatures.ts';
import type { InstalledPackage } from '../types.ts';
import { type CpioEntry, readCpio } from './cpio.ts';
import { RpmHeader, TAG } from './header.ts';
import { filePaths, installedRpm } from './package.ts';

/** What one package may unpack to. The largest (debug information, games) stay below. */
export const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024 * 1024;

const LEAD = 96;
const LEAD_MAGIC = 0xedabeedb;
const HEADER_MAGIC = 0x8eade801;
/** Magic and reserved bytes before a header's entry count. */
const PREFIX = 8;

/** Signatures over the header alone, newest form first (rpmtag.h). */
const HEADER_SIGNATURES = [268, 267] as const;
const SIGNATURE_SHA256 = 273;
const SIGNATURE_SHA1 = 269;
const SHA256 = 8;
const BUILD_TIME = 1006;
const FILE_TIMES = 1034;

/** One file of a package. */
export interface RpmFile {
  /** Below the root, without leading `/`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission bits. */
  readonly mode: number;
  /** Target of a link. */
  readonly linkName: string | undefined;
  /** Seconds since the epoch; undefined where the header does not list it. */
  readonly mtime: number | undefined;
  readonly content: Buffer;
}

/** A .rpm in memory. */
export interface RpmArchive {
  /** What the database will say once it is installed. */
  readonly package: InstalledPackage;
  /** Seconds since the epoch; 0 where the header does not say. */
  readonly buildTime: number;
  /** Seconds since the epoch: the newest of its files, or when it was built. */
  readonly newest: number;
  /** Paths that the header lists, `%ghost` files included. */
  readonly paths: readonly string[];
  /** Files of the payload, in its order; names of one inode each have its content. @throws DISTRO_PACKAGE_INVALID */
  files(): Promise<readonly RpmFile[]>;
  /**
   * Fingerprints of the keys that signed header and, by its checksum, payload. @param now milliseconds since the epoch
   * @throws RELEASE_UNSIGNED, DISTRO_PACKAGE_INVALID
   */
  verify(keyring: Keyring, now: number): Promise<readonly string[]>;
}

function invalid(what: string, error: unknown): Error {
  return distroError('DISTRO_PACKAGE_INVALID', `${what} is not a usable package: ${messageOf(error)}`, {
    cause: error,
    hint: 'The file is damaged or was tampered with: delete it from the cache and fetch it again.',
  });
}

interface Parts {
  readonly signature: RpmHeader;
  readonly header: RpmHeader;
  /** The header as it is signed, its magic included. */
  readonly signed: Buffer;
  readonly payload: Buffer;
}

function headerAt(bytes: Buffer, at: number): RpmHeader {
  if (at + PREFIX > bytes.length || bytes.readUInt32BE(at) !== HEADER_MAGIC) throw new Error('a header is missing');
  return RpmHeader.parse(bytes.subarray(at + PREFIX));
}

function takeApart(source: Uint8Array): Parts {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  if (bytes.length < LEAD || bytes.readUInt32BE(0) !== LEAD_MAGIC) throw new Error('it does not begin like one');
  const signature = headerAt(bytes, LEAD);
  // The signature is filled up to eight bytes, the header that follows is not.
  const start = LEAD + ((PREFIX + signature.size + 7) & ~7);
  const header = headerAt(bytes, start);
  const end = start + PREFIX + header.size;
  return { signature, header, signed: bytes.subarray(start, end), payload: bytes.subarray(end) };
}

/** SHA-256 of the compressed payload, as the header has it. */
function payloadSum(header: RpmHeader): string | undefined {
  const algorithm = header.number(TAG.payloadDigestAlgorithm) ?? SHA256;
  return algorithm === SHA256 ? header.strings(TAG.payloadDigest)[0] : undefined;
}

/** The checksums inside the package: damage is found without any key. */
function checkSums({ signature, header, signed, payload }: Parts): void {
  for (const [tag, algorithm] of [
    [SIGNATURE_SHA256, 'sha256'],
    [SIGNATURE_SHA1, 'sha1'],
  ] as const) {
    const expected = signature.string(tag);
    if (expected === undefined) continue;
    if (createHash(algorithm).update(signed).digest('hex') !== expected)
      throw new Error('its header has another checksum');
    break;
  }
  const expected = payloadSum(header);
  if (expected === undefined) return;
  if (createHash('sha256').update(payload).digest('hex') !== expected)
    throw new Error('its payload has another checksum');
}

/** By the upper bits of st_mode. */
const TYPES: ReadonlyMap<number, RpmFile['type']> = new Map([
  [8, 'file'],
  [4, 'directory'],
  [10, 'symlink'],
]);

/** `./usr/bin/x` → `usr/bin/x`; a path that leads out of the root is refused. */
function inRoot(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || path.includes('\0')) throw new Error(`a file leads out of it: ${JSON.stringify(path)}`);
  return parts.join('/');
}

async function filesOf({ header, payload }: Parts): Promise<readonly RpmFile[]> {
  const format = header.string(TAG.payloadFormat) ?? 'cpio';
  if (format !== 'cpio') throw new Error(`its payload is of the format ${format}`);
  const unpacked = await decompressBuffer(payload, detectCompression(payload), { maxBytes: MAX_PAYLOAD_BYTES });
  const [paths, modes, sizes] = [filePaths(header), header.numbers(TAG.fileModes), header.numbers(TAG.fileSizes)];
  const longSizes = header.numbers(TAG.longFileSizes);
  const links = header.strings(TAG.fileLinkTos);
  const entries = [...readCpio(unpacked, (index) => longSizes[index] ?? sizes[index])];
  const contents = new Map(entries.flatMap((entry) => (isLast(entry) ? [[entry.inode, entry.content] as const] : [])));
  const allTimes = header.numbers(FILE_TIMES);
  const times = new Map(paths.map((path, index) => [inRoot(path), allTimes[index]]));
  return entries.map((entry) => {
    if (entry.kind === 'indexed') {
      const { index, content } = entry;
      return { ...fileOf(paths[index] ?? '', modes[index] ?? 0, content, links[index]), mtime: allTimes[index] };
    }
    const isLinked = entry.links > 1 && entry.content.length === 0;
    const content = isLinked ? (contents.get(entry.inode) ?? entry.content) : entry.content;
    const file = fileOf(entry.path, entry.mode, content);
    return { ...file, mtime: times.get(file.path) };
  });
}

const isLast = (entry: CpioEntry): entry is Extract<CpioEntry, { kind: 'file' }> =>
  entry.kind === 'file' && entry.links > 1 && entry.content.length > 0;

function fileOf(path: string, mode: number, content: Buffer, target?: string): Omit<RpmFile, 'mtime'> {
  const type = TYPES.get(mode >> 12) ?? 'other';
  const linkName = type === 'symlink' ? (target ?? content.toString('utf8')) : undefined;
  return {
    path: inRoot(path),
    type,
    mode: mode & 0o7777,
    linkName,
    content: type === 'file' ? content : Buffer.alloc(0),
  };
}

/**
 * Opens a binary package. Its checksums are compared at once, its payload is unpacked when asked for.
 *
 * @param what names the package in errors
 * @throws DISTRO_PACKAGE_INVALID: truncated, damaged, hostile or not a .rpm
 * @see https://rpm-software-management.github.io/rpm/manual/format_v4.html
 */
export function openRpm(bytes: Uint8Array, what = 'the package'): RpmArchive {
  const guarded = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw invalid(what, error);
    }
  };
  const parts = guarded(() => takeApart(bytes));
  guarded(() => checkSums(parts));
  return {
    package: guarded(() => installedRpm(parts.header)),
    buildTime: parts.header.number(BUILD_TIME) ?? 0,
    newest: parts.header
      .numbers(FILE_TIMES)
      .reduce((newest, time) => Math.max(newest, time), parts.header.number(BUILD_TIME) ?? 0),
    paths: filePaths(parts.header),
    files: () =>
      filesOf(parts).catch((error: unknown) => {
        throw invalid(what, error);
      }),
    verify: (keyring, now) => verifySignature(parts, keyring, now, what),
  };
}

async function verifySignature(
  { signature, header, signed }: Parts,
  keyring: Keyring,
  now: number,
  what: string,
): Promise<readonly string[]> {
  // The header is signed, and vouches for the payload by its checksum, which was compared when the package was opened.
  if (payloadSum(header) === undefined) throw unsigned(what, 'its header has no SHA-256 checksum of its payload');
  const found = HEADER_SIGNATURES.map((tag) => signature.binary(tag)).find((bytes) => bytes !== undefined);
  if (found === undefined) throw unsigned(what, 'it carries no signature of its header');
  try {
    return await verifyDetached(signed, found, keyring, now, what);
  } catch (error) {
    if (isHeraklitError(error)) throw error;
    throw invalid(what, error);
  }
}
