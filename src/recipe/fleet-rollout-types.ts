import type { AnalysisSettings } from '../analysis/index.ts';
import type { FleetGitSource, FleetGrades } from './fleet-shared-types.ts';

export interface FleetRollout {
  /** Seconds until an unhealthy rollout is rolled back. */
  readonly deadline?: number;
  readonly workloads?: readonly FleetWorkload[];
  /** Repositories that Flux, Argo CD or a pipeline deploys from: digests are written to their files. */
  readonly git?: readonly FleetGitopsRepository[];
  /** False: workloads of Helm releases are changed beside their releases. True by default, where helm is installed. */
  readonly helm?: boolean;
  /** `NAMESPACE/RELEASE` → `CHART [VERSION]` as helm finds it, for charts with dependencies. */
  readonly charts?: Readonly<Record<string, string>>;
  /** Days that no copy of a workload may be older than: it is renewed, by a newer image or by the same. */
  readonly maxAge?: number;
  /** How the steps of rollouts are judged, where a workload says nothing of its own. */
  readonly analysis?: AnalysisSettings;
  /** How new images take the place of old ones, where a workload says nothing of its own. */
  readonly strategy?: FleetStrategy;
  /** Workloads at once, where a stage says nothing of its own; 1 by default. */
  readonly batch?: number;
  /** In this order, each when the one before is done; a workload belongs to the first that takes it. */
  readonly stages?: readonly FleetRolloutStage[];
  /** When changes are welcome; a stage may name its own. */
  readonly windows?: readonly FleetRolloutWindow[];
  /** What does not wait for a window: fixes of critical advisories, of any, or nothing (the default). */
  readonly emergency?: 'critical' | 'security' | 'never';
  /** Accounts, `group:NAME` and `role:admin` that may approve stages and promote to them; everybody who may change something when left out. */
  readonly approvers?: readonly string[];
}

/** As the runtimes take it, with times in seconds. */
export type FleetStrategy =
  | 'rolling'
  | {
      readonly canary: {
        readonly steps: readonly { readonly weight: number; readonly pause?: number | 'until-resumed' }[];
        /** By the number of copies when left out. */
        readonly traffic?: 'replicas' | { readonly gateway: string } | { readonly ingress: string };
      };
    }
  | {
      readonly blueGreen: { readonly service?: string; readonly previewService?: string; readonly keep?: number };
    };

/** Takes the workloads that fit all it says: globs. */
export interface FleetRolloutStage {
  readonly name: string;
  /** Names, `namespace/name` or ids. */
  readonly workloads?: readonly string[];
  /** Contexts of clusters, or names of other runtimes: `podman`, `gitops:NAME`. */
  readonly clusters?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly zone?: string;
  /** Moves to the digest when the stage begins; the stage's name by default, and none when empty. */
  readonly tag?: string;
  /** Seconds that it is watched after its workloads are done, before the next stage. */
  readonly soak?: number;
  /** True: somebody approves it before it begins. */
  readonly approval?: boolean;
  /** As many distinct people approve it before it begins. */
  readonly approvals?: number;
  readonly batch?: number;
  readonly windows?: readonly FleetRolloutWindow[];
}

/** Days and times, or a cron line with a duration. */
export interface FleetRolloutWindow {
  readonly days?: readonly ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[];
  /** HH:MM; from midnight to midnight when left out. Ends on the next day when `to` is not after `from`. */
  readonly from?: string;
  readonly to?: string;
  /** Five fields. */
  readonly cron?: string;
  /** Seconds, of `cron`. */
  readonly duration?: number;
  /** Of the tz database; UTC by default. */
  readonly timeZone?: string;
}

/** A network with clusters, namespaces and hosts of its own. What is in no zone has no rules. */
export interface FleetZone {
  readonly name: string;
  /** Contexts. */
  readonly clusters?: readonly string[];
  /** `CONTEXT/NAMESPACE`; before what `clusters` says. */
  readonly namespaces?: readonly string[];
  /** Names of other runtimes: `podman`, `docker`. */
  readonly hosts?: readonly string[];
  /** Names of `rollout.git`. */
  readonly git?: readonly string[];
  /** Zones that images go on to once they proved good here. */
  readonly to?: readonly string[];
  /** Where its workloads pull from. */
  readonly registry?: FleetZoneRegistry;
}

export interface FleetZoneRegistry {
  /** `HOST[:PORT][/PREFIX]` */
  readonly endpoint: string;
  readonly insecure?: boolean;
  /** What images are pushed there with; as podman and docker keep it when left out. */
  readonly username?: string;
  /** Beside the fleet file unless absolute. */
  readonly passwordFile?: string;
}

/** A podman or Docker elsewhere: exactly one of `endpoint`, `dockerContext` and `podmanConnection`. */
export interface FleetHost {
  /** Its workloads are `podman@NAME:…`, `docker@NAME:…`. */
  readonly name: string;
  readonly endpoint?: string;
  readonly dockerContext?: string;
  readonly podmanConnection?: string;
  readonly sshKeyFile?: string;
  readonly knownHostsFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Its certificate need not verify, and it may speak plain HTTP. */
  readonly insecure?: boolean;
}

export interface FleetGitopsRepository extends Omit<FleetGitSource, 'ref' | 'submodules'> {
  /** Its workloads are `gitops:NAME/PATH`. */
  readonly name: string;
  readonly branch: string;
  /** Straight to the branch (the default), or by a pull request for each image and file. */
  readonly write?: 'commit' | 'pull-request';
  /** Files whose images Flux or Argo CD's updater writes: left to them (the default), or written all the same. */
  readonly writers?: 'leave' | 'override';
  readonly author?: { readonly name: string; readonly email: string };
  /** Private ssh key, beside the fleet file, that commits are signed with; unsigned when left out. */
  readonly signingKeyFile?: string;
}

export interface FleetWorkload {
  /** Image name of this fleet. */
  readonly image: string;
  /** `Workload.id` of the runtime port: `podman:web`, `kubernetes:context/namespace/Deployment/web`. */
  readonly workload: string;
  readonly container?: string;
  readonly deadline?: number;
  /** In place of `rollout.maxAge`; 0 promises nothing. */
  readonly maxAge?: number;
  /** In place of `rollout.analysis`. */
  readonly analysis?: AnalysisSettings;
  readonly strategy?: FleetStrategy;
  /** What differs from policy.grades for this workload. */
  readonly grades?: FleetGrades;
  readonly health?: {
    readonly kind: 'http' | 'tcp' | 'running';
    readonly port?: number;
    readonly path?: string;
    readonly successes?: number;
  };
}
