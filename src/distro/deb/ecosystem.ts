import type { PackageEcosystem } from '../ecosystem.ts';
import { readStatus } from './status.ts';
import { compareVersions, satisfies } from './version.ts';

const STATUS = 'var/lib/dpkg/status';
/** Distroless images: one file a package, beside it `NAME.md5sums`. */
const STATUS_D = /^var\/lib\/dpkg\/status\.d\/[^/]+$/;

const isDatabasePath = (path: string): boolean =>
  path === STATUS || (STATUS_D.test(path) && !path.endsWith('.md5sums'));

/** Debian and everything that uses dpkg. */
export const debEcosystem: PackageEcosystem = {
  id: 'deb',
  compareVersions,
  satisfies,
  isDatabasePath,
  readDatabase(files) {
    const paths = [...files.keys()].filter(isDatabasePath).sort();
    const database = readStatus(paths.flatMap((path) => files.get(path) ?? []));
    return {
      packages: database.packages,
      incomplete: database.incomplete.map(({ name, state }) => `${name} (${state})`),
      problems: database.problems.map(({ message }) => message),
    };
  },
};
