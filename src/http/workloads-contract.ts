import type { Grade } from './contract.ts';

/** `GET /api/v1/workloads`: what runs, a row for each container. */
export interface Workload {
  /** `kubernetes:CLUSTER/NAMESPACE/KIND/NAME`, `podman:NAME` */
  readonly id: string;
  readonly container: string;
  /** `container`, `init`, `ephemeral`, `injected`. */
  readonly role: string;
  readonly name: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly image: string;
  readonly digest: string | null;
  /** What copies run where that is not just `digest`. */
  readonly running: readonly { readonly digest: string; readonly replicas: number }[];
  /** Runs the released digest of its image. */
  readonly current: boolean;
  readonly state: 'running' | 'progressing' | 'degraded' | 'stopped' | 'rolled back';
  /** Of the image it runs, by the workload's own thresholds; null when unknown. */
  readonly grade?: Grade | null;
  readonly dropsAt?: string | null;
  readonly ready: number;
  readonly wanted: number;
}

export interface Workloads {
  readonly workloads: readonly Workload[];
  /** Clusters that are watched: how old what is told of them is. */
  readonly clusters: readonly WatchedCluster[];
}

export interface WatchedCluster {
  /** `kubernetes:NAME` */
  readonly name: string;
  /** When all that runs there was last known to be known; null: never yet. */
  readonly synced: string | null;
  /** Since when it is not; null while it is. */
  readonly failing: string | null;
  readonly problems: readonly string[];
  readonly workloads: number | null;
}
