import { decompressBuffer, detectCompression, readTarBuffer } from '../../archive/index.ts';
import { messageOf } from '../../base/index.ts';
import { distroError } from '../errors.ts';
import type { PackageRelations, RepositoryPackage, RepositorySnapshot, SourcePackage } from '../types.ts';
import { PacmanRelations } from './dependencies.ts';
import { type Description, firstOf, numberOf, readDescription } from './description.ts';

/** The part of a snapshot that its packages repeat. */
export type PacmanIndexOrigin = Pick<RepositorySnapshot, 'id' | 'security' | 'architecture'> & {
  /** Folder of the package files below the mirror's root, without trailing `/`; '' where it is the root. */
  readonly folder: string;
};

/** A repository database (core.db). */
export interface PacmanIndex {
  readonly packages: readonly RepositoryPackage[];
  /** Seconds since the epoch: when its newest package was built, as a database has no date. */
  readonly date: number;
  /** Packages left out, for people. */
  readonly problems: readonly string[];
}

/** Arch's largest, extra.db, unpacks to 40 MB; extra.files to 500 MB. */
const MAX_INDEX_BYTES = 1024 * 1024 * 1024;
const MAX_PROBLEMS = 20;
const SHA256 = /^[0-9a-f]{64}$/;
const NAME = /^[A-Za-z0-9@_+][A-Za-z0-9@._+-]*$/;

class IndexedPackage implements RepositoryPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: SourcePackage;
  readonly repository: string;
  readonly security: boolean;
  readonly essential = false;
  readonly priority = 'optional';
  readonly section = '';
  readonly multiArch = 'no';
  readonly relations: PackageRelations;
  readonly filename: string;
  readonly size: number;
  readonly sha256: string;
  readonly installedSize: number;
  readonly built: number;

  constructor(fields: Description, origin: PacmanIndexOrigin) {
    this.name = firstOf(fields, 'NAME');
    this.version = firstOf(fields, 'VERSION');
    this.architecture = firstOf(fields, 'ARCH');
    this.source = { name: firstOf(fields, 'BASE') || this.name, version: this.version };
    this.repository = origin.id;
    this.security = origin.security;
    this.relations = new PacmanRelations(fields);
    const file = firstOf(fields, 'FILENAME');
    this.filename = origin.folder === '' ? file : `${origin.folder}/${file}`;
    this.size = numberOf(firstOf(fields, 'CSIZE'));
    this.sha256 = firstOf(fields, 'SHA256SUM');
    this.installedSize = Math.ceil(numberOf(firstOf(fields, 'ISIZE')) / 1024);
    this.built = numberOf(firstOf(fields, 'BUILDDATE'));
  }
}

/** Undefined when it names a package that can be fetched and verified, else what is missing. */
function problemOf(fields: Description): string | undefined {
  const file = firstOf(fields, 'FILENAME');
  if (!NAME.test(firstOf(fields, 'NAME')) || firstOf(fields, 'VERSION') === '')
    return 'no name and version of a package';
  if (firstOf(fields, 'ARCH') === '') return 'no %ARCH%';
  if (!SHA256.test(firstOf(fields, 'SHA256SUM'))) return 'no %SHA256SUM%';
  return file === '' || /[/\\\0]/.test(file) || file.startsWith('.') ? 'no %FILENAME% in its folder' : undefined;
}

/**
 * Packages of a repository database: a tar archive, compressed in any way, with one `NAME-VERSION/desc` a package.
 * Whoever calls has verified it: its signature, where a repository has one, is in a file beside it.
 *
 * @throws DISTRO_INDEX_INVALID
 * @see https://alpm.archlinux.page/specifications/alpm-repo-database.7.html
 */
export async function readPacmanIndex(bytes: Uint8Array, origin: PacmanIndexOrigin): Promise<PacmanIndex> {
  const packages: RepositoryPackage[] = [];
  const problems: string[] = [];
  let date = 0;
  try {
    const tar = await decompressBuffer(bytes, detectCompression(bytes), { maxBytes: MAX_INDEX_BYTES });
    for (const { path, type, content } of readTarBuffer(tar)) {
      if (type !== 'file' || !/^[^/]+\/desc$/.test(path)) continue;
      const fields = readDescription(content);
      const problem = problemOf(fields);
      if (problem !== undefined) {
        problems.push(`${path}: ${problem}`);
        continue;
      }
      const one = new IndexedPackage(fields, origin);
      packages.push(one);
      if (one.built > date) date = one.built;
    }
  } catch (error) {
    throw distroError('DISTRO_INDEX_INVALID', `${origin.id} is no package database: ${messageOf(error)}`, {
      cause: error,
      hint: 'The mirror is broken, in the middle of an update, or this is no pacman repository.',
    });
  }
  const more = problems.length - MAX_PROBLEMS;
  const told = more > 0 ? [...problems.slice(0, MAX_PROBLEMS), `and ${more} more packages`] : problems;
  return { packages, date, problems: told };
}
