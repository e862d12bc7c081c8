import type { InstalledPackage, Relation, RepositoryPackage } from '../../types.ts';

/** What a version must be: `>= 1.26`. */
export type VersionConstraint = Readonly<Required<Pick<Relation, 'operator' | 'version'>>>;

/** A package that the result must hold: by name, optionally at one exact version, or within limits. */
export interface PackageRequest {
  readonly name: string;
  readonly version?: string;
  /** All must hold. */
  readonly constraints?: readonly VersionConstraint[];
  /** Must equal the solve's architecture (or `all`); a foreign one is reported as unknown. */
  readonly architecture?: string;
}

/** What the solver needs to know of a package that is already there. */
export type PresentPackage = Pick<
  InstalledPackage,
  'name' | 'version' | 'architecture' | 'source' | 'essential' | 'multiArch' | 'relations'
>;

/** One step of a chain: `package` asks for `wants`, in the relation field `field`. */
export interface WhyStep {
  /** Name of the package that asks; undefined for the request itself. */
  readonly package: string | undefined;
  readonly field: RelationField | 'Request' | 'Essential';
  /** The relation as written in the control field, all alternatives. */
  readonly wants: string;
}

export type RelationField = 'Pre-Depends' | 'Depends' | 'Recommends' | 'Conflicts' | 'Breaks';

export interface Solved {
  readonly kind: 'solved';
  /** To install or to upgrade to, sorted by name. What is already there at the same version is not in it. */
  readonly packages: readonly RepositoryPackage[];
  /** Names of present packages that must go, sorted. */
  readonly removed: readonly string[];
  /** For each name in `packages`: the shortest chain from a request to it. */
  readonly reasons: ReadonlyMap<string, readonly WhyStep[]>;
}

export interface Conflict {
  readonly kind: 'conflict';
  /** Readable steps from a request to the relation that cannot be met. */
  readonly chain: readonly string[];
}

export interface UnknownPackage {
  readonly kind: 'unknown-package';
  readonly name: string;
  /** Set when the name is known and only this version or architecture is not. */
  readonly wanted?: string;
  /** Names (or, with `wanted` a version, versions) that exist, nearest first; providers for a virtual name. */
  readonly nearest: readonly string[];
}

export type Solution = Solved | Conflict | UnknownPackage;
