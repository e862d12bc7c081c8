/** Package format of a family of distributions; also the type in package URLs (alpm: pacman's). */
export type EcosystemId = 'deb' | 'rpm' | 'apk' | 'alpm';

/** A release whose packages we track, for example `debian/trixie`. */
export type DistributionName = `${string}/${string}`;

/** One dependency alternative: `libc6 (>= 2.34) [amd64]`, `python3:any`. */
export interface Relation {
  readonly name: string;
  /** `any`, `native` or an architecture after the colon. */
  readonly qualifier?: string;
  readonly operator?: '<<' | '<=' | '=' | '>=' | '>>';
  readonly version?: string;
}

/** Alternatives (`a | b`), first preferred. */
export type OrGroup = readonly Relation[];

/** Source package a binary was built from. */
export interface SourcePackage {
  readonly name: string;
  readonly version: string;
}

/** What the repository index and the installed database both say of a package. */
export interface PackageIdentity {
  /** rpm: the stream of a module it belongs to, `nodejs:18`; absent for all others. */
  readonly module?: string;
  readonly name: string;
  readonly version: string;
  /** Distribution's own word: amd64, arm64, all, … */
  readonly architecture: string;
  readonly source: SourcePackage;
}

export interface PackageRelations {
  readonly depends: readonly OrGroup[];
  readonly preDepends: readonly OrGroup[];
  readonly recommends: readonly OrGroup[];
  readonly conflicts: readonly OrGroup[];
  readonly breaks: readonly OrGroup[];
  readonly replaces: readonly OrGroup[];
  readonly provides: readonly Relation[];
  /** Never installed for; apt's order between equal providers depends on what an index mentions, these included. */
  readonly suggests?: readonly OrGroup[];
  readonly enhances?: readonly OrGroup[];
}

/** One package version that a repository offers. */
export interface RepositoryPackage extends PackageIdentity {
  /** `RepositorySnapshot.id` it comes from. */
  readonly repository: string;
  /** True when that repository is a security pocket. */
  readonly security: boolean;
  readonly essential: boolean;
  readonly priority: string;
  readonly section: string;
  readonly multiArch: 'no' | 'same' | 'foreign' | 'allowed';
  readonly relations: PackageRelations;
  /** Path below the repository's root URL. */
  readonly filename: string;
  /** Bytes of the package file. */
  readonly size: number;
  /** 64 hexadecimal digits; '' where an index has no such hash of the file (apk, see `identity`). */
  readonly sha256: string;
  /** KiB, as the index says. */
  readonly installedSize: number;
  /** apk: what the index knows a package by instead of a hash of its file (`ApkArchive.identity`), hexadecimal. */
  readonly identity?: string;
  /** Seconds since the epoch: when the package was built, where an index says so. */
  readonly built?: number;
}

/**
 * One package in an image's database. Families without a word for a field say so: nothing is essential or on hold,
 * everything is configured, and one architecture of a package does not stand in for another (`multiArch: 'no'`).
 */
export interface InstalledPackage extends PackageIdentity {
  readonly essential: boolean;
  readonly multiArch: 'no' | 'same' | 'foreign' | 'allowed';
  /** rpm: Requires as `depends`, Obsoletes as `replaces`. */
  readonly relations: PackageRelations;
  /** KiB, as the database says. */
  readonly installedSize: number;
  readonly section: string;
  readonly maintainer: string;
  readonly homepage: string;
  readonly hold: boolean;
  /** False for `unpacked`, `half-configured`, `triggers-*` …: present, but not configured. */
  readonly configured: boolean;
  /** Path → md5 recorded when the package was installed; empty where the family keeps none. */
  readonly conffiles: ReadonlyMap<string, string>;
  /** Absolute paths of its files, where the database entry itself lists them (rpm); others keep lists elsewhere. */
  readonly files?: readonly string[];
}

/** A metadata file of an rpm repository as its server has it, verified, on this machine. */
export interface RepositoryMetadata {
  /** `primary`, `filelists`, … */
  readonly type: string;
  /** Where it lies here. */
  readonly file: string;
  /** What its server calls it. */
  readonly name: string;
  readonly algorithm: 'sha256' | 'sha512';
  /** Hexadecimal, of the file as it is. */
  readonly checksum: string;
}

/** A verified state of one package index. */
export interface RepositorySnapshot {
  /** Stable name: `debian/trixie-security/main/amd64`. */
  readonly id: string;
  readonly distribution: DistributionName;
  /** `release`, `updates`, `security`, `backports`, or a user's own name. */
  readonly pocket: string;
  readonly suite: string;
  readonly component: string;
  readonly architecture: string;
  readonly security: boolean;
  /** Seconds since the epoch, from the signed Release file's Date. */
  readonly date: number;
  /** sha256 of the signed Release file: what pins this state in a lock file. */
  readonly releaseDigest: string;
  /** True when the repository must not be used unless asked (NotAutomatic: backports, experimental). */
  readonly notAutomatic: boolean;
  /** With notAutomatic: what was installed from it is upgraded from it (backports). */
  readonly butAutomaticUpgrades?: boolean;
  /** URLs below which `filename` of its packages lies, best first; absent: those of the distribution's mirrors (deb). */
  readonly packageRoots?: readonly string[];
  readonly packages: readonly RepositoryPackage[];
  /**
   * What became new in each package, where the repository itself tells (rpm: updateinfo). Entries bear the package's own
   * name and versions, not its source's; their urgency is a rating (critical, high, medium, low, none) or ''.
   */
  readonly changes?: ReadonlyMap<string, readonly ChangelogEntry[]>;
  /** rpm: the files of this state, for the family's own solver; fetched when asked for. */
  readonly metadata?: () => Promise<readonly RepositoryMetadata[]>;
}

/** What /etc/os-release and the package database say an image is. */
export interface Distribution {
  readonly name: DistributionName;
  readonly id: string;
  readonly versionId: string;
  readonly codename: string;
  readonly prettyName: string;
  /** Package format of its repositories; undefined for one nobody told heraklit of. */
  readonly family?: EcosystemId | undefined;
}

/** An entry of a package's changelog. */
export interface ChangelogEntry {
  readonly source: string;
  readonly version: string;
  readonly distributions: string;
  readonly urgency: string;
  /** Seconds since the epoch; undefined when the trailer has no readable date. */
  readonly date: number | undefined;
  /** CVE ids named in the entry, sorted, each once. */
  readonly advisories: readonly string[];
}
