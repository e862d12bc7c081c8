import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { DEFAULT_ARCHIVE_LIMITS, decompress, detectCompression, type TarHeader, TarParser } from '../archive/index.ts';
import { asCodedError } from '../base/index.ts';
import { transportError } from './errors.ts';

const BLOCK = 512;
/** Members of an image archive: blobs and a few files each. */
const MAX_MEMBERS = 100_000;
const MAX_LINKS = 10;
const READ_SIZE = 256 * 1024;
/** A compressed archive may unpack to this, and so many times its size more: it goes to disk, so bombs end early. */
const SPOOL_FLOOR = 64 * 1024 * 1024;
const SPOOL_RATIO = 500;
const ZEROS = Buffer.alloc(1024 * 1024);

interface Member {
  readonly header: TarHeader;
  /** First byte of the content in the file. */
  readonly offset: number;
}

/** A tar archive on disk whose members are read where they lie, in any order and in parallel. */
export interface TarMembers {
  readonly path: string;
  has(name: string): boolean;
  /** Size of a file, links followed; undefined when there is none. */
  size(name: string): number | undefined;
  /** @throws TRANSPORT_ARCHIVE_INVALID */
  stream(name: string): Readable;
  /** @throws TRANSPORT_ARCHIVE_INVALID when missing or over `limit` bytes */
  read(name: string, limit: number): Promise<Buffer>;
  /** The first bytes of a member. */
  peek(name: string, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/**
 * Indexes an archive by reading its headers only; a compressed one is first unpacked to a temporary file, which has no
 * name from the moment it is open.
 * @throws TRANSPORT_IMAGE_MISSING, TRANSPORT_ARCHIVE_INVALID, ARCHIVE_…, DISK_FULL
 */
export async function openTarMembers(path: string): Promise<TarMembers> {
  const handle = await openFile(path);
  let plain: FileHandle | undefined;
  try {
    const first = await readAt(handle, 0, 16);
    const compression = detectCompression(first);
    plain = compression === 'none' ? handle : await spooled(handle, compression);
    const members = await indexMembers(plain, path);
    return membersOf(plain, path, members);
  } catch (error) {
    await plain?.close().catch(() => undefined);
    await handle.close().catch(() => undefined);
    throw asCodedError(error);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asCodedError(error);
    throw transportError('TRANSPORT_IMAGE_MISSING', `no such file: ${path}`, { cause: error });
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw transportError('TRANSPORT_ARCHIVE_INVALID', `${path} is no file`);
}

async function spooled(handle: FileHandle, compression: Parameters<typeof decompress>[1]): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-archive-'));
  const spool = await open(join(folder, 'archive.tar'), 'wx+', 0o600).finally(async () => {
    // Nothing to clean up later, whatever happens: the open file lives on without its name.
    await rm(folder, { recursive: true, force: true });
  });
  try {
    const { size } = await handle.stat();
    const maxBytes = Math.min(DEFAULT_ARCHIVE_LIMITS.bytes, SPOOL_FLOOR + size * SPOOL_RATIO);
    const packed = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: READ_SIZE });
    for await (const chunk of decompress(packed, compression, { maxBytes })) await spool.writeFile(chunk);
    await handle.close();
    return spool;
  } catch (error) {
    await spool.close();
    throw error;
  }
}

/**
 * Feeds the tar parser the headers from the file, and zeros for contents: it only counts what it skips, so only the
 * headers need to be read.
 */
async function indexMembers(handle: FileHandle, path: string): Promise<ReadonlyMap<string, Member>> {
  const { size } = await handle.stat();
  const members = new Map<string, Member>();
  let found: TarHeader | undefined;
  const parser = new TarParser(
    {
      entry(header) {
        found = header;
        return 'skip';
      },
    },
    { bytes: size + BLOCK, entries: MAX_MEMBERS },
  );
  let at = 0;
  while (at < size) {
    const block = await readAt(handle, at, BLOCK);
    parser.push(block);
    at += block.length;
    if (found === undefined) continue;
    const header: TarHeader = found;
    found = undefined;
    if (header.path !== '') members.set(header.path, { header, offset: at });
    const content = Math.ceil(header.size / BLOCK) * BLOCK;
    if (at + header.size > size) {
      throw transportError('TRANSPORT_ARCHIVE_INVALID', `${path} is truncated: ${header.path} goes beyond its end`);
    }
    for (let left = content; left > 0; left -= ZEROS.length)
      parser.push(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
    at += content;
  }
  parser.end();
  return members;
}

function membersOf(handle: FileHandle, path: string, members: ReadonlyMap<string, Member>): TarMembers {
  const find = (name: string): Member | undefined => {
    let current = members.get(name);
    for (let links = 0; current !== undefined && links < MAX_LINKS; links += 1) {
      const { type, linkName = '', path: from } = current.header;
      if (type === 'file') return current;
      if (type !== 'symlink' && type !== 'hardlink') return undefined;
      current = members.get(type === 'hardlink' ? linkName : linkTarget(from, linkName));
    }
    return undefined;
  };
  const must = (name: string): Member => {
    const member = find(name);
    if (member !== undefined) return member;
    throw transportError('TRANSPORT_ARCHIVE_INVALID', `${path} holds no file ${JSON.stringify(name)}`);
  };
  return {
    path,
    has: (name) => find(name) !== undefined,
    size: (name) => find(name)?.header.size,
    stream(name) {
      const { header, offset } = must(name);
      if (header.size === 0) return Readable.from([]);
      const range = { start: offset, end: offset + header.size - 1 };
      return handle.createReadStream({ ...range, autoClose: false, highWaterMark: READ_SIZE });
    },
    async read(name, limit) {
      const { header, offset } = must(name);
      if (header.size > limit) {
        throw transportError('TRANSPORT_ARCHIVE_INVALID', `${path}: ${name} has ${header.size} bytes, over ${limit}`);
      }
      return readAt(handle, offset, header.size);
    },
    async peek(name, length) {
      const { header, offset } = must(name);
      return readAt(handle, offset, Math.min(length, header.size));
    },
    close: () => handle.close(),
  };
}

/** A symlink's target as a member's name. Resolved against the archive as root, so it cannot leave it. */
function linkTarget(from: string, target: string): string {
  return posix.resolve('/', posix.dirname(from), target).slice(1);
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
