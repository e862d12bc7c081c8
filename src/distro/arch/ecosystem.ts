import { type DatabaseProblem, type InstalledDatabase, NO_DATABASE, type PackageEcosystem } from '../ecosystem.ts';
import { commonArchitecture } from '../native-architecture.ts';
import type { InstalledPackage } from '../types.ts';
import { PacmanRelations } from './dependencies.ts';
import { firstOf, numberOf, readDescription } from './description.ts';
import { compareVersions, satisfies } from './version.ts';

const DATABASE_PATH = /^var\/lib\/pacman\/local\/[^/]+\/desc$/;

/** Problems that are spelled out; the rest are counted. */
const MAX_PROBLEMS = 20;

/** GOARCH → the architecture's name in Arch and its ports. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  '386': 'i686',
  arm64: 'aarch64',
  arm: 'armv7h',
  loong64: 'loong64',
};

const ANY: ReadonlySet<string> = new Set(['any']);

/** One `desc` of the local database; undefined without a name and a version. */
function installedPackage(bytes: Uint8Array): InstalledPackage | undefined {
  const fields = readDescription(bytes);
  const name = firstOf(fields, 'NAME');
  const version = firstOf(fields, 'VERSION');
  if (name === '' || version === '') return undefined;
  const base = firstOf(fields, 'BASE');
  return {
    name,
    version,
    architecture: firstOf(fields, 'ARCH'),
    source: { name: base === '' ? name : base, version },
    essential: false,
    multiArch: 'no',
    relations: new PacmanRelations(fields),
    installedSize: Math.ceil(numberOf(firstOf(fields, 'SIZE')) / 1024),
    section: '',
    maintainer: firstOf(fields, 'PACKAGER'),
    homepage: firstOf(fields, 'URL'),
    hold: false,
    configured: true,
    conffiles: new Map(),
  };
}

function readDatabase(files: ReadonlyMap<string, Uint8Array>): InstalledDatabase {
  const paths = [...files.keys()].filter((path) => DATABASE_PATH.test(path)).sort();
  if (paths.length === 0) return NO_DATABASE;
  const packages = new Map<string, InstalledPackage>();
  const problems: DatabaseProblem[] = [];
  for (const path of paths) {
    const one = installedPackage(files.get(path) ?? new Uint8Array());
    if (one === undefined) problems.push({ path, reason: 'it has no %NAME% or no %VERSION%' });
    // A transaction that broke off leaves both versions: pacman, too, goes by the name.
    else if (packages.has(one.name)) problems.push({ path, reason: `${one.name} stands there twice` });
    if (one !== undefined) packages.set(one.name, one);
  }
  const more = problems.length - MAX_PROBLEMS;
  const told =
    more > 0
      ? [...problems.slice(0, MAX_PROBLEMS), { path: 'var/lib/pacman/local', reason: `and ${more} more problems` }]
      : problems;
  return { kind: 'pacman-local', packages: [...packages.values()], incomplete: [], problems: told };
}

/** Arch Linux and everything that uses pacman. */
export const archEcosystem: PackageEcosystem = {
  id: 'alpm',
  anyArchitecture: 'any',
  compareVersions,
  satisfies,
  databasePaths: ['var/lib/pacman/local/*/desc'],
  isDatabasePath: (path) => DATABASE_PATH.test(path),
  capturedPaths: [/^(?:.+\/)?lib\/pacman\/local\/[^/]+\/desc$/],
  readDatabase,
  nativeArchitecture: (packages, goArchitecture) =>
    commonArchitecture(packages, ANY) ?? ARCHITECTURES[goArchitecture] ?? goArchitecture,
};
