/**
 * What the HTTP API answers with. The UI and the remote client are written against this file alone, so it imports
 * nothing. Times are RFC 3339, sizes bytes, durations seconds; what is not known is null.
 */

export type Grade = 'A' | 'B' | 'C' | 'D' | 'E' | 'F';
export type Strategy = 'compose' | 'rebase' | 'patch' | 'rebuild' | 'none';
export type ImageStatus = 'released' | 'candidate' | 'quarantined' | 'unbuilt';
export type TaskStatus =
  | 'scheduled'
  | 'blocked'
  | 'building'
  | 'finished'
  | 'succeeded'
  | 'failed'
  | 'unchanged'
  | 'unresolvable'
  | 'broken'
  | 'disabled'
  | 'excluded'
  | 'locked';

export interface FindingCounts {
  /** Packages that a repository has a newer version of. */
  readonly total: number;
  /** Of these, from a security repository. */
  readonly security: number;
  /** Distinct CVE ids. */
  readonly advisories: number;
}

export interface FleetImage {
  readonly name: string;
  readonly reference: string;
  /** Null before the first build. */
  readonly digest: string | null;
  readonly distribution: string | null;
  /** Name of the fleet's image it stands on. */
  readonly base: string | null;
  /** 0: stands on nothing of the fleet. */
  readonly level: number;
  readonly packages: number;
  /** Compressed layers. */
  readonly bytes: number;
  readonly findings: FindingCounts;
  /** Null when updates cannot be checked; then `unsupported` says why. */
  readonly grade: Grade | null;
  /** When the grade drops if nothing is done. */
  readonly dropsAt?: string | null;
  /** The day on which the distribution's support ended or will. */
  readonly endOfSupport?: string | null;
  readonly unsupported: string | null;
  /** How the present digest came about. */
  readonly strategy: Strategy | null;
  readonly status: ImageStatus;
  readonly builtAt: string | null;
  /** Running things that use it. */
  readonly workloads: number;
}

export interface FleetTotals {
  readonly images: number;
  readonly outdated: number;
  readonly findings: number;
  readonly security: number;
  readonly advisories: number;
  readonly packages: number;
  readonly workloads: number;
  readonly grades: Readonly<Record<Grade, number>>;
}

export interface Fleet {
  readonly generatedAt: string;
  readonly totals: FleetTotals;
  /** Bases before what stands on them. */
  readonly images: readonly FleetImage[];
}

/** How a package is used: merely contained, linked by something of the image, or loaded in a container now. */
export interface PackageUsage {
  /** Absent where it is not known. */
  readonly usage?: 'contained' | 'linked' | 'loaded';
  readonly linkedBy?: 'entrypoint' | 'executable' | 'library';
  /** Where `usage` is `loaded`; those to be restarted first, 50 at most. */
  readonly loadedIn?: readonly LoadedIn[];
}

/** A container that runs files of a package now, as its host reports. */
export interface LoadedIn {
  /** Name of the host. */
  readonly host: string;
  /** Id of the container. */
  readonly container: string;
  readonly name?: string;
  /** Null: replaced while it runs, and nobody knows what it was. */
  readonly version: string | null;
  readonly restartDue: boolean;
  /** When it was first seen to run there. */
  readonly since: string;
}

export interface Finding extends PackageUsage {
  readonly package: string;
  readonly arch: string;
  readonly installed: string;
  readonly candidate: string;
  readonly repository: string;
  readonly security: boolean;
  readonly severity: 'critical' | 'important' | 'other';
  readonly advisories: readonly string[];
  readonly since: string;
  /** Highest CVSS base score that imported advisories give one of `advisories`. */
  readonly score?: number;
  /** Those of `advisories` that a statement (VEX) says are no issue here. */
  readonly notAffected?: readonly { readonly id: string; readonly justification: string; readonly statement: string }[];
}

/** The document of `heraklit outdated --format json`. */
export interface OutdatedImage {
  readonly reference: string;
  readonly digest: string | null;
  readonly distribution: string | null;
  readonly unsupported: string | null;
  readonly findings: readonly Finding[];
}

export interface Outdated {
  readonly images: readonly OutdatedImage[];
  /** `after` of the next page; null at the end. */
  readonly next: string | null;
}

/** A way that was not taken: what may come next, what cannot make it, what is excluded, what was tried and refused. */
export interface Alternative {
  readonly strategy: Strategy;
  readonly verdict: 'next' | 'unfit' | 'excluded' | 'refused';
  /** A sentence for people. */
  readonly because: string;
}

export interface PlanTask {
  readonly image: string;
  readonly level: number;
  readonly status: TaskStatus;
  readonly reason: 'new build' | 'source change' | 'meta change' | 'retrying bad build';
  readonly strategy: Strategy;
  /** A sentence for people. */
  readonly because: string;
  /** Every other strategy, in the order they would be tried. */
  readonly alternatives: readonly Alternative[];
  readonly after: readonly string[];
  readonly missing: number;
  readonly security: number;
  readonly seconds: number | null;
  readonly error: string | null;
}

export interface Plan {
  /** Null when none was made yet. */
  readonly id: string | null;
  readonly createdAt: string | null;
  readonly status: 'empty' | 'planned' | 'running' | 'finished' | 'failed';
  readonly tasks: readonly PlanTask[];
}

export interface Layer {
  readonly digest: string;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly entries: number;
  /** Bytes that later layers overwrite or delete. */
  readonly wastedBytes: number;
  readonly createdBy: string | null;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

export interface Layers {
  readonly reference: string;
  readonly digest: string | null;
  readonly bytes: number;
  readonly compressedBytes: number;
  readonly wastedBytes: number;
  /** 0…1 */
  readonly efficiency: number;
  readonly layers: readonly Layer[];
}

export interface PackageMove {
  readonly package: string;
  /** Package format of a distribution or of a language: `deb`, `npm`. */
  readonly type: string;
  readonly arch: string;
  readonly from: string | null;
  readonly to: string | null;
}

export interface Diff {
  readonly from: string;
  readonly to: string;
  readonly identical: boolean;
  readonly sharedLayers: number;
  readonly packages: readonly PackageMove[];
  readonly files: { readonly added: number; readonly removed: number; readonly changed: number } | null;
  readonly config: readonly { readonly field: string; readonly from: string | null; readonly to: string | null }[];
}

export interface Place extends PackageUsage {
  readonly package: string;
  /** `deb`, `rpm`, `npm`, … */
  readonly type: string;
  readonly version: string;
  readonly arch: string;
  /** The digest where nothing names the image any more. */
  readonly reference: string;
  readonly digest: string;
  /** The layer that brought it. */
  readonly layer: string | null;
  readonly workloads: readonly string[];
}

/** `GET /api/v1/where` */
export interface Where {
  readonly package: string;
  readonly places: readonly Place[];
  readonly next: string | null;
}

/** `GET /api/v1/where/file` */
export interface WhereFile {
  readonly places: readonly {
    readonly path: string;
    readonly reference: string;
    readonly digest: string;
    readonly layer: string;
    readonly workloads: readonly string[];
  }[];
  readonly next: string | null;
  /** What the answer cannot speak of. */
  readonly unread: {
    /** Named images with a layer that was never read for its files. */
    readonly images: number;
    /** Layers whose files were not hashed. */
    readonly unhashedLayers: number;
    /** Layers whose libraries' SONAMEs were not read. */
    readonly layersWithoutNames: number;
  };
}

/** `GET /api/v1/where/digest` */
export interface WhereDigest {
  readonly places: readonly {
    /** What the digest is to the image. */
    readonly role: 'image' | 'base' | 'layer' | 'file';
    /** Of a file. */
    readonly path: string | null;
    readonly reference: string;
    readonly digest: string;
    readonly workloads: readonly string[];
  }[];
  readonly next: string | null;
}

/** `GET /api/v1/where/advisory` */
export interface WhereAdvisory {
  readonly advisory: string;
  readonly places: readonly (Place & {
    /** `affected`: no fixed version is known. */
    readonly state: 'missing' | 'affected' | 'fixed';
    readonly fixedIn: string | null;
  })[];
  readonly next: string | null;
}

export interface PackageChange {
  readonly kind: 'added' | 'removed' | 'upgraded' | 'downgraded';
  readonly type: string;
  readonly package: string;
  readonly arch: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** `GET /api/v1/history`, newest first. */
export interface History {
  readonly reference: string;
  readonly images: readonly {
    readonly digest: string;
    readonly since: string;
    /** Null: it still does. */
    readonly until: string | null;
    readonly created: string | null;
    readonly base: string | null;
    /** Against the image before; null for the first. */
    readonly changes: readonly PackageChange[] | null;
  }[];
  readonly next: string | null;
}

/** `GET /api/v1/fleet/changes` */
export interface FleetChanges {
  readonly from: string;
  readonly to: string;
  /** References that name something else at the later time. */
  readonly references: { readonly added: number; readonly removed: number; readonly changed: number };
  /** Most references first. */
  readonly packages: readonly (PackageChange & { readonly images: number })[];
  readonly next: string | null;
}

/** `GET /api/v1/fleet/moved` */
export interface MovedReferences {
  readonly references: readonly {
    readonly reference: string;
    readonly from: string | null;
    readonly to: string | null;
  }[];
  readonly next: string | null;
}

/** `GET /api/v1/explain`, newest first. */
export interface Explanation {
  readonly image: string;
  readonly reference: string | null;
  readonly builds: readonly {
    readonly run: string;
    readonly at: string;
    readonly status: TaskStatus;
    readonly reason: string;
    readonly strategy: Strategy;
    /** Why this and this way, with the ways that policy excluded. */
    readonly because: string;
    readonly alternatives: readonly Alternative[];
    /** Tests of the result; null when it was not tested. */
    readonly tested: { readonly passed: boolean; readonly tests: readonly string[] } | null;
    /** Keys (ids) and what they sign: `signature`, or types of statements. */
    readonly signed: readonly { readonly key: string; readonly what: readonly string[] }[];
    /** Workloads that run it now. */
    readonly runs: readonly string[];
    readonly digest: string | null;
    readonly previous: string | null;
    readonly base: { readonly from: string | null; readonly to: string | null };
    /** Of the result against the image before; null where one of them is not known here. */
    readonly changes: readonly PackageChange[] | null;
    /** Updates it was made for, as they were announced. */
    readonly missing: readonly { readonly package: string; readonly installed: string; readonly candidate: string }[];
    /** What the updates fix. */
    readonly advisories: readonly string[];
    readonly error: string | null;
  }[];
  readonly next: string | null;
}

/** CloudEvents 1.0. */
export interface EventRecord {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: unknown;
  /** Strictly increasing: the id of the event in the stream. */
  readonly sequence: number;
}

export interface Events {
  readonly events: readonly EventRecord[];
  /** Sequence number to continue after. */
  readonly next: number;
}

export interface Problem {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint: string | null;
    readonly retryable: boolean;
  };
}
