import { messageOf } from '../../base/index.ts';
import { type DatabaseProblem, type InstalledDatabase, NO_DATABASE, type PackageEcosystem } from '../ecosystem.ts';
import { commonArchitecture } from '../native-architecture.ts';
import type { InstalledPackage } from '../types.ts';
import { isAdb } from './adb-file.ts';
import { readInstalled } from './installed.ts';
import { readInstalledAdb } from './installed-adb.ts';
import { compareVersions, satisfies } from './version.ts';

/** apk 3 on a root with merged /usr keeps it below usr/lib. */
const PATHS = [
  'lib/apk/db/installed',
  'usr/lib/apk/db/installed',
  'lib/apk/db/installed.adb',
  'usr/lib/apk/db/installed.adb',
];

/** GOARCH (and its variant is not known here) → apk's own word. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  '386': 'x86',
  arm64: 'aarch64',
  arm: 'armv7',
  loong64: 'loongarch64',
};

const ANY: ReadonlySet<string> = new Set(['noarch']);

function readDatabase(files: ReadonlyMap<string, Uint8Array>): InstalledDatabase {
  const paths = PATHS.filter((path) => files.has(path));
  if (paths.length === 0) return NO_DATABASE;
  const packages = new Map<string, InstalledPackage>();
  const incomplete: string[] = [];
  const problems: DatabaseProblem[] = [];
  for (const path of paths) {
    const bytes = files.get(path) ?? new Uint8Array();
    try {
      const database = isAdb(bytes) ? readInstalledAdb(bytes, path) : readInstalled(bytes, path);
      for (const one of database.packages) packages.set(one.name, one);
      incomplete.push(...database.incomplete);
      problems.push(...database.problems.map((reason) => ({ path, reason })));
    } catch (error) {
      problems.push({ path, reason: messageOf(error) });
    }
  }
  return { kind: 'apk-installed', packages: [...packages.values()], incomplete, problems };
}

/** Alpine, Wolfi, Chainguard and everything else that uses apk. */
export const apkEcosystem: PackageEcosystem = {
  id: 'apk',
  anyArchitecture: 'noarch',
  compareVersions,
  satisfies,
  databasePaths: PATHS,
  isDatabasePath: (path) => PATHS.includes(path),
  capturedPaths: [/^(?:.+\/)?lib\/apk\/db\/installed(?:\.adb)?$/],
  readDatabase,
  nativeArchitecture: (packages, goArchitecture) =>
    commonArchitecture(packages, ANY) ?? ARCHITECTURES[goArchitecture] ?? goArchitecture,
};
