import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTarBuffer } from '../../archive/index.ts';
import { type Log, type Progress, writeCacheFile } from '../../base/index.ts';
import { type DebArchive, openDeb, type RepositoryPackage } from '../../distro/index.ts';
import { plainDeb } from './plain-deb.ts';

/** Packages uncompressed at the same time, as Node has threads for it: each is in memory whole, packed and unpacked. */
const PARALLEL = 4;

/** A package that is ready to be installed. */
export interface PreparedPackage {
  readonly pkg: RepositoryPackage;
  /** The package file with its data member uncompressed. */
  readonly file: string;
  /** Newest file time in it, seconds since the epoch. */
  readonly newest: number;
}

export interface PackageSource {
  /** Paths of verified package files, in the order asked for. */
  readonly packages: {
    fetchAll(
      packages: readonly RepositoryPackage[],
      progress: Progress,
      signal?: AbortSignal,
    ): Promise<readonly string[]>;
  };
  /** Folder for uncompressed packages, by hash of the package; may be deleted at any time. */
  readonly plainPackages: string;
  readonly log: Log;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/** What is noted of an uncompressed package, so that nobody has to read it for that. */
interface Note {
  readonly size: number;
  readonly newest: number;
}

/** Fetches what was not uncompressed before (verified by the source), and uncompresses each once. Order is kept. */
export async function preparePackages(
  packages: readonly RepositoryPackage[],
  source: PackageSource,
): Promise<readonly PreparedPackage[]> {
  const known = await Promise.all(packages.map((pkg) => findPlain(pkg, source)));
  const missing = packages.filter((_, at) => known[at] === undefined);
  const files = await source.packages.fetchAll(missing, source.progress, source.signal);
  const made = new Map<RepositoryPackage, PreparedPackage>();
  const waiting = [...missing.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      source.signal?.throwIfAborted();
      const [at, pkg] = next;
      made.set(pkg, await makePlain(pkg, files[at] as string, source));
    }
  };
  try {
    await Promise.all(Array.from({ length: PARALLEL }, work));
  } finally {
    // After a failure nothing more is begun.
    waiting.length = 0;
  }
  return packages.map((pkg, at) => known[at] ?? (made.get(pkg) as PreparedPackage));
}

/**
 * For packages that the package manager could not read: they are made again next time. Only the note goes: the file
 * itself may be on its way into the root of another patch that runs at the same time, which would fail without it.
 */
export async function forgetPackages(packages: readonly PreparedPackage[]): Promise<void> {
  await Promise.all(packages.map(({ file }) => rm(noteFile(file), { force: true })));
}

export const openPrepared = async ({ pkg, file }: PreparedPackage): Promise<DebArchive> =>
  openDeb(await readFile(file), `${pkg.name} ${pkg.version}`);

const plainFile = (pkg: RepositoryPackage, source: PackageSource): string =>
  join(source.plainPackages, `${pkg.sha256}.deb`);

const noteFile = (file: string): string => `${file}.json`;

async function findPlain(pkg: RepositoryPackage, source: PackageSource): Promise<PreparedPackage | undefined> {
  const file = plainFile(pkg, source);
  try {
    const { size, newest } = JSON.parse(await readFile(noteFile(file), 'utf8')) as Note;
    if ((await stat(file)).size === size && Number.isSafeInteger(newest)) return { pkg, file, newest };
    source.log.warn('a cached package is damaged and is made again', { package: `${pkg.name} ${pkg.version}` });
  } catch {
    // Not there, or its note is damaged: made again.
  }
  return undefined;
}

async function makePlain(pkg: RepositoryPackage, fetched: string, source: PackageSource): Promise<PreparedPackage> {
  const file = plainFile(pkg, source);
  const content = await plainDeb(await readFile(fetched));
  const deb = await openDeb(content, `${pkg.name} ${pkg.version}`);
  let newest = 0;
  for (const entry of readTarBuffer(await deb.dataTar())) newest = Math.max(newest, entry.mtime);
  const note: Note = { size: content.byteLength, newest };
  await mkdir(source.plainPackages, { recursive: true });
  // Cut short by a power cut, it is noticed by its size, or by dpkg, and made again.
  await writeCacheFile(file, content);
  await writeCacheFile(noteFile(file), JSON.stringify(note));
  return { pkg, file, newest };
}
