import { messageOf } from '../../base/index.ts';
import type { DatabaseProblem, InstalledDatabase, PackageEcosystem } from '../ecosystem.ts';
import { NO_DATABASE } from '../ecosystem.ts';
import { commonArchitecture } from '../native-architecture.ts';
import type { InstalledPackage } from '../types.ts';
import { readStatus } from './status.ts';
import { compareVersions, satisfies } from './version.ts';

const STATUS = 'var/lib/dpkg/status';
/** Distroless images: one file a package, beside it `NAME.md5sums`. */
const STATUS_D = /^var\/lib\/dpkg\/status\.d\/[^/]+$/;

/** Stanza problems of one file that are spelled out; the rest are counted. */
const MAX_PROBLEMS = 20;

/** GOARCH → the architecture's name in Debian. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['386', 'i386'],
  ['arm', 'armhf'],
  ['ppc64le', 'ppc64el'],
  ['mips64le', 'mips64el'],
  ['loong64', 'loong64'],
]);

const ANY: ReadonlySet<string> = new Set(['all']);

const isDatabasePath = (path: string): boolean =>
  path === STATUS || (STATUS_D.test(path) && !path.endsWith('.md5sums'));

function problemsOf(
  path: string,
  problems: readonly { readonly line: number; readonly message: string }[],
): readonly DatabaseProblem[] {
  const spelled = problems.slice(0, MAX_PROBLEMS).map((problem) => ({
    path,
    reason: problem.line > 0 ? `line ${problem.line}: ${problem.message}` : problem.message,
  }));
  const more = problems.length - spelled.length;
  return more > 0 ? [...spelled, { path, reason: `and ${more} more broken stanzas` }] : spelled;
}

/** Of a package that stands twice the later stanza counts, as dpkg has it. */
function unique(packages: readonly InstalledPackage[]): {
  readonly packages: readonly InstalledPackage[];
  readonly problems: readonly DatabaseProblem[];
} {
  const byKey = new Map<string, InstalledPackage>();
  const twice = new Set<string>();
  for (const item of packages) {
    const key = `${item.name}:${item.architecture}`;
    if (byKey.has(key)) twice.add(key);
    byKey.set(key, item);
  }
  const doubled = [...twice].sort().map((key) => ({ path: STATUS, reason: `${key} stands there twice` }));
  return { packages: [...byKey.values()], problems: doubled.slice(0, MAX_PROBLEMS) };
}

function readDatabase(files: ReadonlyMap<string, Uint8Array>): InstalledDatabase {
  const paths = [...files.keys()].filter(isDatabasePath).sort();
  if (paths.length === 0) return NO_DATABASE;
  const packages: InstalledPackage[] = [];
  const incomplete: string[] = [];
  const problems: DatabaseProblem[] = [];
  for (const path of paths) {
    try {
      const database = readStatus(files.get(path) ?? [], { what: path });
      for (const item of database.packages) packages.push(item);
      incomplete.push(...database.incomplete.map(({ name, state }) => `${name} (${state})`));
      problems.push(...problemsOf(path, database.problems));
    } catch (error) {
      problems.push({ path, reason: messageOf(error) });
    }
  }
  const once = unique(packages);
  return {
    kind: files.has(STATUS) ? 'dpkg-status' : 'dpkg-status.d',
    packages: once.packages,
    incomplete,
    problems: [...problems, ...once.problems],
  };
}

/** Debian and everything that uses dpkg. */
export const debEcosystem: PackageEcosystem = {
  id: 'deb',
  anyArchitecture: 'all',
  compareVersions,
  satisfies,
  databasePaths: [STATUS, 'var/lib/dpkg/status.d/*'],
  isDatabasePath,
  // The checksum lists beside the stanzas of status.d are no stanzas.
  capturedPaths: [/^(?:.+\/)?lib\/dpkg\/(?:status|arch)$/, /^(?:.+\/)?lib\/dpkg\/status\.d\/[^/]+(?<!\.md5sums)$/],
  readDatabase,
  nativeArchitecture(packages, goArchitecture) {
    // dpkg's own package is built for it.
    const dpkg = packages.find((item) => item.name === 'dpkg');
    if (dpkg !== undefined && dpkg.architecture !== 'all') return dpkg.architecture;
    return commonArchitecture(packages, ANY) ?? ARCHITECTURES.get(goArchitecture) ?? goArchitecture;
  },
};
