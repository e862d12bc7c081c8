import { messageOf } from '../base/index.ts';
import {
  ECOSYSTEMS,
  type EcosystemId,
  ecosystemOf,
  type InstalledDatabase,
  type InstalledPackage,
  NO_DATABASE,
  type PackageDatabaseKind,
  type PackageEcosystem,
} from '../distro/index.ts';
import type { FileView } from './file-view.ts';
import type { IncompletePart } from './types.ts';

export interface InstalledState {
  /** Undefined where there is no database. */
  readonly ecosystem: EcosystemId | undefined;
  readonly kind: PackageDatabaseKind;
  /** Sorted by name, then architecture, then version order. */
  readonly packages: readonly InstalledPackage[];
  readonly incomplete: readonly IncompletePart[];
}

export const NOTHING_INSTALLED: InstalledState = {
  ecosystem: undefined,
  kind: 'none',
  packages: [],
  incomplete: [],
};

/** Files of one database: pacman has a folder a package. */
const MAX_DATABASE_FILES = 50_000;

interface Found {
  readonly ecosystem: PackageEcosystem;
  readonly database: InstalledDatabase;
  readonly incomplete: readonly IncompletePart[];
}

/**
 * The package database of a root. A broken entry costs that package alone, and is named in `incomplete`. Of several
 * families' databases (a Debian image with rpm as a tool) that of the most packages counts; the others' packages are
 * told of in `incomplete`.
 */
export async function readInstalled(view: FileView): Promise<InstalledState> {
  const all: Found[] = [];
  for (const ecosystem of ECOSYSTEMS) {
    const found = await readOne(view, ecosystem);
    if (found.database.kind !== 'none' || found.incomplete.length > 0) all.push(found);
  }
  const [main, ...others] = all.sort((a, b) => b.database.packages.length - a.database.packages.length);
  if (main === undefined) return NOTHING_INSTALLED;
  const { ecosystem, database } = main;
  return {
    ecosystem: database.kind === 'none' ? undefined : ecosystem.id,
    kind: database.kind,
    packages: sorted(database.packages, ecosystem),
    incomplete: [...all.flatMap((found) => found.incomplete), ...others.flatMap(besides)],
  };
}

function besides({ ecosystem, database }: Found): readonly IncompletePart[] {
  const { length } = database.packages;
  if (length === 0) return [];
  const reason = `a second package database (${database.kind}) of ${length} packages, which are not counted`;
  return [{ path: ecosystem.databasePaths[0] as string, reason }];
}

async function readOne(view: FileView, ecosystem: PackageEcosystem): Promise<Found> {
  const files = new Map<string, Uint8Array>();
  const incomplete: IncompletePart[] = [];
  for (const pattern of ecosystem.databasePaths) {
    for (const path of await expand(view, pattern)) {
      if (!ecosystem.isDatabasePath(path)) continue;
      const file = await view.read(path);
      if (file?.kind === 'content') files.set(path, file.bytes);
      else if (file?.kind === 'unread') incomplete.push({ path, reason: file.reason });
      if (files.size >= MAX_DATABASE_FILES) {
        incomplete.push({ path: pattern, reason: `more than ${MAX_DATABASE_FILES} files` });
        break;
      }
    }
  }
  if (files.size === 0) return { ecosystem, database: NO_DATABASE, incomplete };
  try {
    const database = ecosystem.readDatabase(files);
    return { ecosystem, database, incomplete: [...incomplete, ...database.problems] };
  } catch (error) {
    // A reader lists what is broken; what it throws all the same costs this database, never the scan.
    const [path = ''] = files.keys();
    return { ecosystem, database: NO_DATABASE, incomplete: [...incomplete, { path, reason: messageOf(error) }] };
  }
}

/** Paths that a pattern with at most one `*` stands for. */
async function expand(view: FileView, pattern: string): Promise<readonly string[]> {
  const star = pattern.indexOf('*');
  if (star < 0) return [pattern];
  const folder = pattern.slice(0, star - 1);
  return (await view.list(folder)).map((name) => `${folder}/${name}${pattern.slice(star + 1)}`);
}

/** Code unit order: the same on every machine, whatever its locale. */
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function sorted(packages: readonly InstalledPackage[], { compareVersions }: PackageEcosystem) {
  return [...packages].sort(
    (a, b) => order(a.name, b.name) || order(a.architecture, b.architecture) || compareVersions(a.version, b.version),
  );
}

/** GOARCH of the config where neither packages nor a family say more. */
export function nativeArchitecture(installed: InstalledState, family: EcosystemId | undefined, config: string): string {
  const id = installed.ecosystem ?? family;
  return ecosystemOf(id ?? 'deb').nativeArchitecture(installed.packages, config);
}
