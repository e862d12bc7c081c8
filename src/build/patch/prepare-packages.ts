import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTarBuffer } from '../../archive/index.ts';
import { type Log, messageOf, type Progress, writeFileAtomic } from '../../base/index.ts';
import { type DebArchive, openDeb, type RepositoryPackage } from '../../distro/index.ts';
import { plainDeb } from './plain-deb.ts';

/** A package that is ready to be installed. */
export interface PreparedPackage {
  readonly pkg: RepositoryPackage;
  /** The package file with its data member uncompressed. */
  readonly content: Uint8Array;
  readonly deb: DebArchive;
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

/** Fetches what was not uncompressed before (verified by the source), and uncompresses each once. Order is kept. */
export async function preparePackages(
  packages: readonly RepositoryPackage[],
  source: PackageSource,
): Promise<readonly PreparedPackage[]> {
  const known = await Promise.all(packages.map((pkg) => readPlain(pkg, source)));
  const missing = packages.filter((_, at) => known[at] === undefined);
  const files = await source.packages.fetchAll(missing, source.progress, source.signal);
  const made = new Map(missing.map((pkg, at) => [pkg, files[at] as string]));
  return Promise.all(packages.map(async (pkg, at) => known[at] ?? makePlain(pkg, made.get(pkg) as string, source)));
}

const plainFile = (pkg: RepositoryPackage, source: PackageSource): string =>
  join(source.plainPackages, `${pkg.sha256}.deb`);

async function readPlain(pkg: RepositoryPackage, source: PackageSource): Promise<PreparedPackage | undefined> {
  const cached = await readFile(plainFile(pkg, source)).catch(() => undefined);
  if (cached === undefined) return undefined;
  return open(pkg, cached).catch((error: unknown) => {
    const details = { package: `${pkg.name} ${pkg.version}`, error: messageOf(error) };
    source.log.warn('a cached package is damaged and is made again', details);
    return undefined;
  });
}

async function makePlain(pkg: RepositoryPackage, file: string, source: PackageSource): Promise<PreparedPackage> {
  const content = await plainDeb(await readFile(file));
  const opened = await open(pkg, content);
  await mkdir(source.plainPackages, { recursive: true });
  await writeFileAtomic(plainFile(pkg, source), content);
  return opened;
}

async function open(pkg: RepositoryPackage, content: Uint8Array): Promise<PreparedPackage> {
  const deb = await openDeb(content, `${pkg.name} ${pkg.version}`);
  let newest = 0;
  for (const entry of readTarBuffer(await deb.dataTar())) newest = Math.max(newest, entry.mtime);
  return { pkg, content, deb, newest };
}
