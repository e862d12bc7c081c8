import type { InstalledPackage, Relation } from './types.ts';

/** What a root's package database says. */
export interface InstalledDatabase {
  readonly packages: readonly InstalledPackage[];
  /** Packages that are present but half installed or unconfigured, as `name (state)`. */
  readonly incomplete: readonly string[];
  /** What could not be read, for people. */
  readonly problems: readonly string[];
}

/**
 * The port that every family of distributions implements (deb, later rpm, apk, arch): pure readers of its own formats.
 * test/contract/ecosystem.ts is the suite each passes.
 */
export interface PackageEcosystem {
  /** Also the type in package URLs. */
  readonly id: 'deb' | 'rpm' | 'apk' | 'alpm';
  /** Negative, 0 or positive: the order of the family's own package manager. */
  compareVersions(a: string, b: string): number;
  satisfies(version: string, operator: NonNullable<Relation['operator']>, wanted: string): boolean;
  /** Is this file (path below the root, no leading `/`) part of the package database? */
  isDatabasePath(path: string): boolean;
  /** Database files by path → what is installed. Broken entries are listed, not thrown. */
  readDatabase(files: ReadonlyMap<string, Uint8Array>): InstalledDatabase;
}
