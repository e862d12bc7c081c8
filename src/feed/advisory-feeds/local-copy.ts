import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asCodedError, messageOf, redact } from '../../base/index.ts';
import { feedError } from '../errors.ts';
import { openTransfer } from '../transfer.ts';

/** A document, archive or folder that lies on this machine, and what its bytes are. */
export interface LocalCopy {
  /** Files with their names for messages; one for a file or URL. */
  readonly files: readonly { readonly name: string; readonly path: string }[];
  /** sha256 over all of it. */
  readonly digest: string;
  readonly bytes: number;
  /** Removes what was downloaded. */
  close(): Promise<void>;
}

/** Of one download or file: OSV's archive of everything has 1.5 GiB. */
export const MAX_FEED_BYTES = 8 * 1024 ** 3;
/** Files below a folder; Red Hat publishes some 60,000 CSAF documents. */
const MAX_FILES = 1_000_000;
const NAMES = /\.(?:json|jsonl|ndjson|xml|zip|tar|tgz|txz)(?:\.(?:gz|xz|zst))?$/i;

export const isUrl = (location: string): boolean => /^https?:\/\//i.test(location);

function tooLarge(what: string): Error {
  return feedError('FEED_DOCUMENT_TOO_LARGE', `${what} has more than ${MAX_FEED_BYTES} bytes`, {
    hint: 'Import the parts that concern your distributions instead of everything.',
  });
}

const unreadable = (what: string, error: unknown): Error =>
  feedError('FEED_DOCUMENT_UNREADABLE', `${what} cannot be read: ${messageOf(error)}`, {
    cause: error,
    hint: 'Name a file, a folder of files, or an http(s) URL.',
  });

/**
 * Brings what a location names onto this machine and hashes it.
 * @param scratch folder for downloads
 * @throws FEED_DOCUMENT_UNREADABLE, FEED_DOCUMENT_TOO_LARGE, FEED_UNREACHABLE, FEED_NOT_FOUND
 */
export async function localCopy(location: string, scratch: string, signal?: AbortSignal): Promise<LocalCopy> {
  if (isUrl(location)) return download(location, scratch, signal);
  const path = location.startsWith('file:') ? fileURLToPath(location) : location;
  try {
    return (await stat(path)).isDirectory() ? await ofFolder(path, signal) : await ofFile(path, signal);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : unreadable(location, error);
  }
}

const nothing = async (): Promise<void> => undefined;

async function ofFile(path: string, signal: AbortSignal | undefined): Promise<LocalCopy> {
  const { digest, bytes } = await hashFile(path, signal);
  return { files: [{ name: path, path }], digest, bytes, close: nothing };
}

async function ofFolder(folder: string, signal: AbortSignal | undefined): Promise<LocalCopy> {
  const root = await realpath(folder);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  // Links are passed over: a folder that was unpacked from an archive may point anywhere.
  const paths = entries
    .filter((entry) => entry.isFile() && NAMES.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  if (paths.length > MAX_FILES) throw tooLarge(folder);
  paths.sort();
  const hash = createHash('sha256');
  let bytes = 0;
  for (const path of paths) {
    const file = await hashFile(path, signal);
    hash.update(`${file.digest} ${relative(root, path)}\n`);
    bytes += file.bytes;
  }
  return { files: paths.map((path) => ({ name: path, path })), digest: hash.digest('hex'), bytes, close: nothing };
}

async function hashFile(path: string, signal: AbortSignal | undefined): Promise<{ digest: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, {
    ...(signal === undefined ? {} : { signal }),
    highWaterMark: 1024 * 1024,
  })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_FEED_BYTES) throw tooLarge(path);
  }
  return { digest: hash.digest('hex'), bytes };
}

async function download(url: string, scratch: string, signal: AbortSignal | undefined): Promise<LocalCopy> {
  const path = join(scratch, `feed-${randomUUID()}`);
  const hash = createHash('sha256');
  let bytes = 0;
  const close = (): Promise<void> => rm(path, { force: true });
  try {
    await mkdir(scratch, { recursive: true });
    const transfer = await openTransfer(url, { signal });
    if (transfer.kind === 'unchanged') throw feedError('FEED_UNREACHABLE', `${redact(url)}: unexpected HTTP 304`);
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of transfer.chunks) {
        bytes += chunk.byteLength;
        if (bytes > MAX_FEED_BYTES) throw tooLarge(redact(url));
        hash.update(chunk);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    await close();
    throw asCodedError(error);
  }
  return { files: [{ name: redact(url), path }], digest: hash.digest('hex'), bytes, close };
}
