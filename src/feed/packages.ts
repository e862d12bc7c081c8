import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asCodedError, type HeraklitError, type Progress, silentProgress } from '../base/index.ts';
import { openApk, type RepositoryPackage } from '../distro/index.ts';
import { type DownloadOptions, type DownloadRequest, type DownloadSink, download } from './download.ts';
import { feedError } from './errors.ts';
import { createFailover, type Failover } from './failover.ts';
import type { Mirrors } from './mirrors.ts';
import { archiveOfRepository } from './pockets.ts';
import { mirrorUrl } from './transfer.ts';

/** What is needed to fetch a package and to know it is the right one. */
export type PackageFile = Pick<RepositoryPackage, 'filename' | 'sha256' | 'size' | 'repository' | 'identity'>;

export interface PackageCacheOptions {
  /** Cache folder (`Home.cache`); packages lie below `packages/`, named by sha256. */
  readonly directory: string;
  readonly mirrors: Mirrors;
  /** URLs below which a repository's packages lie, where they are not those of the mirrors. */
  readonly roots?: (repository: string) => readonly string[] | undefined;
  /** Shared with the repositories, so that both avoid the same dead mirror. */
  readonly failover?: Failover;
  /** Downloads at a time. Default 8. */
  readonly concurrency?: number;
  /** Never asks the network. */
  readonly offline?: boolean;
  /** Hashes a cached file before it is used. Default: its size alone is checked, as it was verified when written. */
  readonly verifyCached?: boolean;
  /** Rounds over the mirrors before giving up. Default 3. */
  readonly attempts?: number;
}

export interface PackageCache {
  /**
   * Path of the verified package file; fetched unless it is there.
   * @throws FEED_HASH_MISMATCH, FEED_UNREACHABLE, FEED_NOT_FOUND, FEED_OFFLINE, DISK_FULL
   */
  fetch(file: PackageFile, signal?: AbortSignal): Promise<string>;
  /** Paths in the order of `files`. Progress counts bytes. The first failure stops the rest. */
  fetchAll(files: readonly PackageFile[], progress?: Progress, signal?: AbortSignal): Promise<readonly string[]>;
  /** Is it in the cache? */
  has(file: PackageFile): Promise<boolean>;
  /** Where a package lies once fetched. */
  pathOf(file: Pick<PackageFile, 'sha256' | 'identity'>): string;
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.size,
    () => undefined,
  );
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** A sink over an open file, with its own position: a reset starts at byte 0 again. */
function fileSink(handle: FileHandle): DownloadSink {
  let position = 0;
  return {
    write: async (chunk) => {
      for (let done = 0; done < chunk.byteLength; ) {
        const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done, position);
        done += bytesWritten;
        position += bytesWritten;
      }
    },
    reset: async () => {
      position = 0;
      await handle.truncate(0);
    },
  };
}

/** Milliseconds after which a download that nobody finished is left from a killed process. */
const PARTIAL_AGE = 24 * 3_600_000;

/** Removes what killed processes left; a running download of another process is younger. */
async function sweep(partial: string): Promise<void> {
  for (const name of await readdir(partial).catch(() => [])) {
    const path = join(partial, name);
    const modified = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (modified !== undefined && Date.now() - modified > PARTIAL_AGE) await rm(path, { force: true });
  }
}

/** Streams a download into a file of its own, then names it: the cache never holds half a package. */
async function downloadFile(
  file: PackageFile,
  urls: readonly string[],
  target: string,
  partial: string,
  options: DownloadOptions,
): Promise<void> {
  const aside = join(partial, randomUUID());
  try {
    await mkdir(partial, { recursive: true });
    await mkdir(dirname(target), { recursive: true });
    const handle = await open(aside, 'wx');
    try {
      const what = file.sha256 === '' ? { isRight: () => isPackage(aside, file) } : { sha256: file.sha256 };
      const request: DownloadRequest = { urls, size: file.size, ...what };
      await download(request, fileSink(handle), options);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, target);
  } catch (error) {
    await rm(aside, { force: true });
    throw asCodedError(error);
  }
}

const SHA256 = /^[0-9a-f]{64}$/;
/** SHA-1, or at least the first 160 bits of a SHA-256. */
const IDENTITY = /^[0-9a-f]{40,64}$/;

/** Is it the package that the index means, its files included? */
async function isPackage(path: string, { identity = '', filename }: PackageFile): Promise<boolean> {
  const bytes = await readFile(path);
  try {
    await openApk(bytes, { what: filename, identity }).files();
    return true;
  } catch {
    return false;
  }
}

/** Packages by content: fetched once, verified while they stream, shared by every image and distribution. */
export function createPackageCache(options: PackageCacheOptions): PackageCache {
  const { directory, mirrors, concurrency = 8 } = options;
  const failover = options.failover ?? createFailover(mirrors.origin);
  const running = new Map<string, Promise<string>>();
  const partial = join(directory, 'packages', 'partial');
  let swept: Promise<void> | undefined;

  const pathOf = ({ sha256, identity }: Pick<PackageFile, 'sha256' | 'identity'>): string => {
    if (sha256 === '' && identity !== undefined && IDENTITY.test(identity)) {
      return join(directory, 'packages', identity.slice(0, 2), `${identity}.apk`);
    }
    if (!SHA256.test(sha256)) throw feedError('FEED_HASH_MISMATCH', `${JSON.stringify(sha256)} is no sha256`);
    return join(directory, 'packages', sha256.slice(0, 2), `${sha256}.deb`);
  };

  const isCached = async (file: PackageFile, path: string): Promise<boolean> =>
    (await sizeOf(path)) === file.size && (options.verifyCached !== true || (await isStill(file, path)));

  const isStill = async (file: PackageFile, path: string): Promise<boolean> =>
    file.sha256 === '' ? isPackage(path, file) : (await hashOf(path)) === file.sha256;

  const obtain = async (file: PackageFile, path: string, signal: AbortSignal | undefined): Promise<string> => {
    if (await isCached(file, path)) return path;
    if (options.offline === true) {
      throw feedError('FEED_OFFLINE', `${file.filename} is not in the cache and the network was ruled out`, {
        hint: 'Run once without --offline.',
      });
    }
    const bases = options.roots?.(file.repository) ?? mirrors[archiveOfRepository(file.repository).archive];
    const byUrl = new Map(failover.order(bases).map((base) => [mirrorUrl(base, file.filename), base]));
    const onFailure = (url: string, error: HeraklitError): void =>
      failover.failed(bases, byUrl.get(url) as string, error);
    swept ??= sweep(partial);
    await swept;
    await downloadFile(file, [...byUrl.keys()], path, partial, { signal, attempts: options.attempts, onFailure });
    return path;
  };

  /** Two images that want the same package at the same time share one download. */
  const fetch = async (file: PackageFile, signal?: AbortSignal): Promise<string> => {
    const path = pathOf(file);
    const known = running.get(path);
    if (known !== undefined) return known;
    const started = obtain(file, path, signal).finally(() => running.delete(path));
    running.set(path, started);
    return started;
  };

  const fetchAll = async (
    files: readonly PackageFile[],
    progress: Progress = silentProgress,
    signal?: AbortSignal,
  ): Promise<readonly string[]> => {
    const stop = new AbortController();
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const total = files.reduce((sum, file) => sum + file.size, 0);
    const paths: string[] = new Array<string>(files.length);
    const queue = files.entries();
    let done = 0;
    // Every worker takes from the one queue, so that a big package holds up one worker alone.
    const work = async (): Promise<void> => {
      for (const [index, file] of queue) {
        paths[index] = await fetch(file, either);
        done += file.size;
        progress.update('packages', done, total, file.filename.slice(file.filename.lastIndexOf('/') + 1));
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(concurrency, files.length) }, work));
    } catch (error) {
      stop.abort(error);
      throw error;
    }
    return paths;
  };

  return { fetch, fetchAll, has: (file) => isCached(file, pathOf(file)), pathOf };
}
