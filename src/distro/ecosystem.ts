import type { EcosystemId, InstalledPackage, PackageIdentity, Relation } from './types.ts';

/** How a package database is kept. */
export type PackageDatabaseKind =
  | 'dpkg-status'
  | 'dpkg-status.d'
  | 'rpm-sqlite'
  | 'rpm-ndb'
  | 'rpm-bdb'
  | 'apk-installed'
  | 'pacman-local'
  | 'none';

/** What could not be read of a database file. */
export interface DatabaseProblem {
  readonly path: string;
  readonly reason: string;
}

/** What a root's package database says. */
export interface InstalledDatabase {
  /** `none` where no file of it is there. */
  readonly kind: PackageDatabaseKind;
  /** A package that is there twice at one version stands here once. */
  readonly packages: readonly InstalledPackage[];
  /** Packages that are present but half installed or unconfigured, as `name (state)`. */
  readonly incomplete: readonly string[];
  /** What could not be read, a bounded number of them. */
  readonly problems: readonly DatabaseProblem[];
}

export const NO_DATABASE: InstalledDatabase = { kind: 'none', packages: [], incomplete: [], problems: [] };

/**
 * The port that every family of distributions implements (deb, rpm, apk, alpm): pure readers of its own formats.
 * test/contract/ecosystem.ts is the suite each passes.
 */
export interface PackageEcosystem {
  readonly id: EcosystemId;
  /** The architecture word of packages for all of them: `all`, `noarch`, `any`. */
  readonly anyArchitecture: string;
  /** Negative, 0 or positive: the order of the family's own package manager. */
  compareVersions(a: string, b: string): number;
  satisfies(version: string, operator: NonNullable<Relation['operator']>, wanted: string): boolean;
  /**
   * Where a root has its database: paths without leading `/`, `*` for any one name. Whoever looks for one follows the
   * links of the root; the same file may be found by two of them.
   */
  readonly databasePaths: readonly string[];
  /** Is this file (path below the root, no leading `/`) part of the package database? */
  isDatabasePath(path: string): boolean;
  /** Matches every path in a layer that may turn out to be a database file once links are followed. */
  readonly capturedPaths: readonly RegExp[];
  /** Database files by path → what is installed. Broken entries are listed, not thrown. */
  readDatabase(files: ReadonlyMap<string, Uint8Array>): InstalledDatabase;
  /** The root's native architecture in the family's own word, from its packages, else from GOARCH. */
  nativeArchitecture(
    packages: readonly Pick<PackageIdentity, 'name' | 'architecture'>[],
    goArchitecture: string,
  ): string;
}
