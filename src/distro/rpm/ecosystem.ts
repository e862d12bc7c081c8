import { messageOf } from '../../base/index.ts';
import {
  type DatabaseProblem,
  type InstalledDatabase,
  NO_DATABASE,
  type PackageDatabaseKind,
  type PackageEcosystem,
} from '../ecosystem.ts';
import { commonArchitecture } from '../native-architecture.ts';
import type { InstalledPackage } from '../types.ts';
import { readBdb } from './bdb.ts';
import { RpmHeader } from './header.ts';
import { readNdb } from './ndb.ts';
import { installedRpm } from './package.ts';
import { type ReportProblem, readSqliteTable } from './sqlite-table.ts';
import { compareVersions, satisfies } from './version.ts';

/** The present place, that of rpm-ostree, and the old one, often a link to the first. */
const FOLDERS = ['usr/lib/sysimage/rpm', 'usr/share/rpm', 'var/lib/rpm'] as const;

const FORMATS = [
  { file: 'rpmdb.sqlite', kind: 'rpm-sqlite' },
  { file: 'Packages.db', kind: 'rpm-ndb' },
  { file: 'Packages', kind: 'rpm-bdb' },
] as const;

const DATABASE = /^(?:usr\/lib\/sysimage|usr\/share|var\/lib)\/rpm\/(?:rpmdb\.sqlite(?:-wal)?|Packages(?:\.db)?)$/;

/** Problems that are spelled out; the rest are counted. */
const MAX_PROBLEMS = 20;

/** Keys that rpm trusts stand among the packages; they are none. */
const KEY = 'gpg-pubkey';

const ANY: ReadonlySet<string> = new Set(['noarch']);

/** GOARCH → rpm's word. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['amd64', 'x86_64'],
  ['arm64', 'aarch64'],
  ['386', 'i686'],
  ['arm', 'armv7hl'],
  ['loong64', 'loongarch64'],
]);

/** What a database of each format holds, one header a package. */
function* headersOf(
  kind: (typeof FORMATS)[number]['kind'],
  bytes: Uint8Array,
  log: Uint8Array | undefined,
  report: ReportProblem,
): Generator<Uint8Array, void> {
  if (kind === 'rpm-ndb') yield* readNdb(bytes, report);
  else if (kind === 'rpm-bdb') yield* readBdb(bytes, report);
  else {
    for (const [, blob] of readSqliteTable(bytes, log, 'Packages', report)) {
      if (Buffer.isBuffer(blob)) yield blob;
      else report('a row holds no header');
    }
  }
}

function readOne(kind: (typeof FORMATS)[number]['kind'], path: string, files: ReadonlyMap<string, Uint8Array>) {
  const packages = new Map<string, InstalledPackage>();
  const problems: DatabaseProblem[] = [];
  let unlisted = 0;
  const report: ReportProblem = (reason) => {
    if (problems.length < MAX_PROBLEMS) problems.push({ path, reason });
    else unlisted += 1;
  };
  try {
    for (const blob of headersOf(kind, files.get(path) as Uint8Array, files.get(`${path}-wal`), report)) {
      try {
        const one = installedRpm(RpmHeader.parse(blob));
        if (one.name !== KEY) packages.set(`${one.name}\n${one.version}\n${one.architecture}`, one);
      } catch (error) {
        report(messageOf(error));
      }
    }
  } catch (error) {
    report(messageOf(error));
  }
  if (unlisted > 0) problems.push({ path, reason: `and ${unlisted} more problems` });
  return { packages: [...packages.values()], problems };
}

/** The first database that is there counts; rpm has one, and leaves others behind when it changes its format. */
function readDatabase(files: ReadonlyMap<string, Uint8Array>): InstalledDatabase {
  let kind: PackageDatabaseKind = 'none';
  const problems: DatabaseProblem[] = [];
  for (const format of FORMATS) {
    for (const folder of FOLDERS) {
      const path = `${folder}/${format.file}`;
      if (!files.has(path)) continue;
      const found = readOne(format.kind, path, files);
      if (kind === 'none') kind = format.kind;
      problems.push(...found.problems);
      if (found.packages.length > 0) return { kind: format.kind, packages: found.packages, incomplete: [], problems };
    }
  }
  return kind === 'none' ? NO_DATABASE : { kind, packages: [], incomplete: [], problems };
}

/** Fedora, Red Hat, SUSE and everything that uses rpm. */
export const rpmEcosystem: PackageEcosystem = {
  id: 'rpm',
  anyArchitecture: 'noarch',
  compareVersions,
  satisfies,
  databasePaths: FOLDERS.flatMap((folder) => [
    ...FORMATS.map(({ file }) => `${folder}/${file}`),
    `${folder}/rpmdb.sqlite-wal`,
  ]),
  isDatabasePath: (path) => DATABASE.test(path),
  capturedPaths: [/^(?:.+\/)?rpm\/(?:rpmdb\.sqlite(?:-wal)?|Packages(?:\.db)?)$/],
  readDatabase,
  nativeArchitecture: (packages, goArchitecture) =>
    commonArchitecture(packages, ANY) ?? ARCHITECTURES.get(goArchitecture) ?? goArchitecture,
};
