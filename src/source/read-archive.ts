import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  decompress,
  detectCompression,
  extractTar,
  fileSource,
  readZipDirectory,
  readZipEntry,
} from '../archive/index.ts';
import { isHeraklitError, messageOf, redact } from '../base/index.ts';
import { sourceError } from './errors.ts';
import { readFolder, within } from './read-folder.ts';
import { overLimit } from './refuse.ts';
import type { TreeEntry } from './tree-entry.ts';
import type { ArchiveSource, SourceLimits } from './types.ts';

export const isUrl = (location: string): boolean => /^https?:\/\//.test(location);

/** Milliseconds for headers, and between two pieces. */
const PATIENCE = 60_000;

/**
 * Downloads where needed, compares the hash, unpacks into a scratch folder, lists what is below `path`. tar (plain, gzip,
 * xz, zstd) and zip, told apart by content.
 * @param path in normal form
 * @throws SOURCE_UNREACHABLE, SOURCE_HASH_MISMATCH, SOURCE_LIMIT, SOURCE_UNSAFE, SOURCE_REF_UNKNOWN
 */
export async function readArchive(
  archive: ArchiveSource,
  path: string,
  scratch: string,
  limits: SourceLimits,
  signal?: AbortSignal,
): Promise<readonly TreeEntry[]> {
  const file = isUrl(archive.location) ? join(scratch, 'archive') : archive.location;
  if (isUrl(archive.location)) await download(archive.location, file, limits, signal);
  await checkHash(archive, file);
  const folder = join(scratch, 'files');
  await mkdir(folder);
  try {
    const start = await firstBytes(file);
    if (isZip(start)) return await readZip(file, path, limits);
    const content = decompress(createReadStream(file), detectCompression(start), {
      maxBytes: limits.bytes + limits.files * 2_048,
    });
    await extractTar(content, folder, {
      owner: false,
      limits: { entries: limits.files * 2, bytes: limits.bytes + limits.files * 2_048 },
      filter: ({ type }) => type === 'file' || type === 'symlink' || type === 'hardlink' || type === 'directory',
    });
  } catch (error) {
    if (!isHeraklitError(error)) throw error;
    const code = error.code === 'ARCHIVE_LIMIT' ? 'SOURCE_LIMIT' : 'SOURCE_UNSAFE';
    throw sourceError(code, `${redact(archive.location)}: ${error.message}`, {
      cause: error,
      hint: 'Name a tar (plain, gzip, xz, zstd) or zip archive that is whole.',
    });
  }
  return readFolder(await within(folder, path), limits);
}

async function download(url: string, file: string, limits: SourceLimits, signal?: AbortSignal): Promise<void> {
  const unreachable = (why: string, cause?: unknown): Error =>
    sourceError('SOURCE_UNREACHABLE', `${redact(url)}: ${why}`, { cause, hint: 'Check the URL and the network.' });
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(new Error('nothing came for a minute')), PATIENCE);
  const signals = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const handle = await open(file, 'wx', 0o600);
  try {
    const response = await fetch(url, { signal: signals });
    if (!response.ok || response.body === null) throw unreachable(`the server answered ${response.status}`);
    let bytes = 0;
    for await (const chunk of Readable.fromWeb(response.body as never) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limits.fetchBytes) throw overLimit(`more than ${limits.fetchBytes} bytes as an archive`);
      await handle.write(chunk);
      clearTimeout(timer);
      timer = setTimeout(() => stop.abort(new Error('nothing came for a minute')), PATIENCE);
    }
  } catch (error) {
    if (isHeraklitError(error) || signal?.aborted === true) throw error;
    throw unreachable(messageOf(error), error);
  } finally {
    clearTimeout(timer);
    await handle.close();
  }
}

async function checkHash({ location, sha256 }: ArchiveSource, file: string): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there?.isFile() !== true) {
    throw sourceError('SOURCE_REF_UNKNOWN', `${location} is not a file`, { hint: 'Name an archive that exists.' });
  }
  if (sha256 === undefined) return;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const found = hash.digest('hex');
  if (found === sha256.toLowerCase()) return;
  throw sourceError('SOURCE_HASH_MISMATCH', `${redact(location)} has the sha256 ${found}, not ${sha256}`, {
    hint: 'Somebody replaced the archive. Look at what changed before writing the new hash.',
  });
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const start = Buffer.alloc(8);
    const { bytesRead } = await handle.read(start, 0, start.length, 0);
    return start.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** A local header, or the end of an empty archive. */
const isZip = (start: Buffer): boolean => ['PK\x03\x04', 'PK\x05\x06'].includes(start.toString('latin1', 0, 4));

/** A zip archive's modes are its maker's own business: all files come as 0644. */
async function readZip(file: string, path: string, limits: SourceLimits): Promise<readonly TreeEntry[]> {
  const handle = await open(file, 'r');
  const source = fileSource(handle.fd, (await handle.stat()).size);
  try {
    const prefix = path === '' ? '' : `${path}/`;
    const found = readZipDirectory(source, { entries: limits.files * 2 }).filter(
      ({ name }) => name.startsWith(prefix) && !name.endsWith('/'),
    );
    if (found.length === 0) {
      throw sourceError('SOURCE_REF_UNKNOWN', `the archive has no folder ${JSON.stringify(path)}`, {
        hint: 'Correct `path` of the source.',
      });
    }
    let bytes = 0;
    return found.map((entry): TreeEntry => {
      bytes += entry.bytes;
      if (bytes > limits.bytes) throw overLimit(`more than ${limits.bytes} bytes`);
      const content = readZipEntry(source, entry, limits.fileBytes);
      const name = Buffer.from(entry.name.slice(prefix.length));
      return { path: name, type: 'file', executable: false, size: content.length, read: async () => content };
    });
  } finally {
    await handle.close();
  }
}
