import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCacheFile } from '../../base/index.ts';

/** Raise it when what a package becomes in a layer changes: caches of the old form are then not used. */
export const PACKAGE_FORMAT = 1;

/** What a build needs to know of a package whose layer is already there. */
export interface PackageRecord {
  readonly sha256: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly multiArch: string;
  /** The control file, one character a byte. */
  readonly control: string;
  /** Conffile → md5 of what the package brings; `newconffile` where it is listed but not brought. */
  readonly conffiles: readonly (readonly [path: string, md5: string])[];
  readonly triggers: string;
  readonly scripts: readonly string[];
  /** Newest time in the package, seconds. */
  readonly mtime: number;
  /** `d MODE UID GID PATH`, `l PATH` or `f PATH`, canonical paths. */
  readonly paths: readonly string[];
}

const fileOf = (cache: string, sha256: string): string =>
  join(cache, 'compose', 'packages', `v${PACKAGE_FORMAT}`, `${sha256}.json`);

/** The record made when the package was last opened; undefined when there is none, or a damaged one. */
export async function readRecord(cache: string, sha256: string): Promise<PackageRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(fileOf(cache, sha256), 'utf8')) as PackageRecord;
    return record.sha256 === sha256 && Array.isArray(record.paths) ? record : undefined;
  } catch {
    return undefined;
  }
}

export async function keepRecord(cache: string, record: PackageRecord): Promise<void> {
  await writeCacheFile(fileOf(cache, record.sha256), JSON.stringify(record));
}
