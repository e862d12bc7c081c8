import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTarBuffer } from '../../archive/index.ts';
import { type Log, messageOf, writeFileAtomic } from '../../base/index.ts';
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
  readonly packages: { fetch(pkg: RepositoryPackage): Promise<string> };
  /** Folder for uncompressed packages, by hash of the package; may be deleted at any time. */
  readonly plainPackages: string;
  readonly log: Log;
}

/** Fetches packages (verified by the source) and uncompresses each once. Order is kept. */
export function preparePackages(
  packages: readonly RepositoryPackage[],
  source: PackageSource,
): Promise<readonly PreparedPackage[]> {
  return Promise.all(packages.map((pkg) => prepare(pkg, source)));
}

async function prepare(pkg: RepositoryPackage, source: PackageSource): Promise<PreparedPackage> {
  const file = join(source.plainPackages, `${pkg.sha256}.deb`);
  const what = `${pkg.name} ${pkg.version}`;
  const cached = await readFile(file).catch(() => undefined);
  if (cached !== undefined) {
    const opened = await open(pkg, cached, what).catch((error: unknown) => {
      source.log.warn('a cached package is damaged and is made again', { package: what, error: messageOf(error) });
      return undefined;
    });
    if (opened !== undefined) return opened;
  }
  const content = await plainDeb(await readFile(await source.packages.fetch(pkg)));
  const opened = await open(pkg, content, what);
  await mkdir(source.plainPackages, { recursive: true });
  await writeFileAtomic(file, content);
  return opened;
}

async function open(pkg: RepositoryPackage, content: Uint8Array, what: string): Promise<PreparedPackage> {
  const deb = await openDeb(content, what);
  let newest = 0;
  for (const entry of readTarBuffer(await deb.dataTar())) newest = Math.max(newest, entry.mtime);
  return { pkg, content, deb, newest };
}
