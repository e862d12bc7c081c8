/** What hosts report of their containers, and what is told of it. Imports nothing, as `contract.ts`. */

/** `POST /api/v1/hosts/report`: all that a host's containers run, each time. */
export interface HostReport {
  readonly host: { readonly id: string; readonly name: string };
  /** RFC 3339 by the host's clock: when it looked, and when it sent this. */
  readonly observedAt: string;
  readonly sentAt: string;
  /** Seconds for which it counts where no other follows. */
  readonly validFor: number;
  readonly containers: readonly {
    readonly id: string;
    readonly engine: string;
    readonly name: string | null;
    /** As the engine names it. */
    readonly image: string | null;
    /** By which its image may be known: of manifests and of the configuration. */
    readonly digests: readonly string[];
    readonly restartDue: boolean;
    readonly packages: readonly {
      readonly package: string;
      /** Null: replaced, and nobody knows what it was. */
      readonly loaded: string | null;
      readonly installed: string;
      readonly restartDue: boolean;
    }[];
    /** Why nothing can be said of its packages. */
    readonly problem?: string;
  }[];
  /** Processes that could not be looked at. */
  readonly unread: number;
}

export interface ReportAnswer {
  /** False: a later look of the same host was reported before. */
  readonly accepted: boolean;
  readonly containers: number;
  /** Of these, with an image that the inventory has. */
  readonly known: number;
  readonly expires: string;
}

export interface RunningContainer {
  readonly id: string;
  readonly engine: string;
  readonly name: string | null;
  readonly image: string | null;
  /** Digest in the inventory, once it has the image. */
  readonly digest: string | null;
  readonly restartDue: boolean;
  readonly problem: string | null;
  readonly packages: readonly {
    readonly package: string;
    readonly loaded: string | null;
    readonly installed: string;
    readonly restartDue: boolean;
    readonly since: string;
  }[];
}

/** `GET /api/v1/hosts` */
export interface Hosts {
  readonly hosts: readonly {
    readonly id: string;
    readonly name: string;
    readonly observed: string;
    readonly expires: string;
    /** What it said still counts. */
    readonly current: boolean;
    readonly unread: number;
    readonly containers: readonly RunningContainer[];
  }[];
  readonly next: string | null;
}

/** `GET /api/v1/hosts/running` */
export interface Running {
  readonly containers: readonly (RunningContainer & { readonly host: string })[];
}

/** What hosts tell, and who asks for it. */
export interface HostReports {
  /** @param account who reports @throws INVENTORY_HOST_TAKEN */
  report(report: HostReport, account: string): Promise<ReportAnswer>;
  hosts(query: { readonly limit?: number; readonly after?: string }): Promise<Hosts>;
  /** Containers that run an image now. */
  running(digest: string): Promise<Running>;
}
