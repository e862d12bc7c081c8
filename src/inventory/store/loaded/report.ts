/** What a host says its containers run: all of it, each time. */
export interface HostReport {
  readonly host: { readonly id: string; readonly name: string };
  /** ISO 8601 by the host's clock: when it looked, and when it sent this. Only what lies between counts. */
  readonly observedAt: string;
  readonly sentAt: string;
  /** Seconds for which it counts where no other follows. */
  readonly validFor: number;
  readonly containers: readonly ReportedContainer[];
  /** Processes that could not be looked at. */
  readonly unread: number;
}

export interface ReportedContainer {
  readonly id: string;
  readonly engine: string;
  readonly name: string | null;
  /** As the engine names it. */
  readonly image: string | null;
  /** By which its image may be known: of manifests and of the configuration. */
  readonly digests: readonly string[];
  /** A process runs a file that was replaced or deleted since. */
  readonly restartDue: boolean;
  readonly packages: readonly ReportedPackage[];
  /** Why nothing can be said of its packages. */
  readonly problem?: string;
}

export interface ReportedPackage {
  readonly package: string;
  /** Version of what runs; null where it was replaced and nobody knows what it was. */
  readonly loaded: string | null;
  readonly installed: string;
  readonly restartDue: boolean;
}

/** A stored package: name, version loaded, installed, restart due, seconds since the epoch when it was first seen. */
export type StoredPackage = readonly [
  name: string,
  loaded: string | null,
  installed: string,
  restartDue: boolean,
  since: number,
];

export const storedPackages = (text: string): readonly StoredPackage[] => JSON.parse(text) as readonly StoredPackage[];
