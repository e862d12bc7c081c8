import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { writeCacheFile } from '../base/index.ts';
import { MAX_RELEASE_BYTES } from '../distro/index.ts';
import { type CachedRelease, readCachedRelease, readReleaseBytes, releaseBytes } from './release-cache.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** States kept of one repository: six updates a day for a year. */
const MAX_STATES = 2000;

/** A state that a repository once had, as it was verified then. */
export interface RecordedRelease {
  readonly release: CachedRelease;
  /** Milliseconds: the Release file's own Date. */
  readonly from: number;
  /** Milliseconds: when a mirror last said that this is the current one. */
  readonly until: number;
}

const folderOf = (directory: string, repository: string): string =>
  join(directory, 'releases', 'history', repository.replaceAll('/', '_'));

/** The Date field, milliseconds; undefined where it cannot be read. */
function dateOf({ text }: CachedRelease): number | undefined {
  const date = Date.parse(/^Date: *(.+)$/m.exec(text)?.[1] ?? '');
  return Number.isFinite(date) ? date : undefined;
}

/** Keeps a state that another one follows. Its indexes stay in the cache by their hashes. */
export async function recordRelease(directory: string, repository: string, release: CachedRelease): Promise<void> {
  const date = dateOf(release);
  if (date === undefined) return;
  const folder = folderOf(directory, repository);
  await mkdir(folder, { recursive: true });
  const name = `${String(date).padStart(14, '0')}-${release.digest.slice(0, 16)}.zst`;
  await writeCacheFile(join(folder, name), await compress(releaseBytes(release)));
  const names = (await readdir(folder)).filter((file) => file.endsWith('.zst')).sort();
  for (const old of names.slice(0, -MAX_STATES)) await rm(join(folder, old), { force: true });
}

async function readRecorded(path: string): Promise<CachedRelease | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  return decompress(bytes, { maxOutputLength: 2 * MAX_RELEASE_BYTES }).then(readReleaseBytes, () => undefined);
}

/** Every state known of a repository, the current one included, oldest first; damaged files are left out. */
export async function recordedReleases(directory: string, repository: string): Promise<readonly RecordedRelease[]> {
  const folder = folderOf(directory, repository);
  const names = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.zst')).sort();
  const states = await Promise.all(names.map((name) => readRecorded(join(folder, name))));
  const current = await readCachedRelease(directory, repository);
  const byDigest = new Map<string, RecordedRelease>();
  for (const release of [...states, current]) {
    const from = release === undefined ? undefined : dateOf(release);
    if (release === undefined || from === undefined) continue;
    const until = Math.max(release.checked, byDigest.get(release.digest)?.until ?? 0);
    byDigest.set(release.digest, { release, from, until });
  }
  return [...byDigest.values()].sort((a, b) => a.from - b.from);
}
