import type { Generated } from 'kysely';

/** A container slot of a running thing, as its runtime listed it last. */
export interface WorkloadTable {
  /** `kubernetes:…` or `podman:…`. */
  readonly id: string;
  readonly container: string;
  readonly runtime: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Reference as configured. */
  readonly image: string;
  /** Null while unknown or mixed. */
  readonly digest: string | null;
  readonly replicas: number;
  /** When it was listed or changed last. */
  readonly seen: Date;
  /** `container`, `init`, `ephemeral`, `injected`. */
  readonly role: Generated<string>;
  /** Copies that are ready; null where the runtime does not tell. */
  readonly ready: number | null;
}

/** What copies of a container run where that is not just `workload.digest`. */
export interface WorkloadReplicasTable {
  readonly id: string;
  readonly container: string;
  /** Of a manifest, an index or a configuration. */
  readonly digest: string;
  readonly replicas: number;
}

/** Container slots by the digests of images in the inventory that they use; rows may come twice. */
export interface WorkloadImageView {
  readonly id: string;
  readonly container: string;
  readonly digest: string;
}

/** A cluster that is watched. */
export interface WorkloadSourceTable {
  /** `kubernetes:NAME` */
  readonly name: string;
  /** When all that runs there was last known to be known. */
  readonly synced: Date | null;
  /** Since when it is not; null while it is. */
  readonly failing: Date | null;
  /** JSON text: sentences. */
  readonly problems: Generated<string>;
  readonly workloads: number | null;
}

export interface RolloutTable {
  readonly id: Generated<number>;
  readonly workload: string;
  readonly container: string;
  readonly digest: string;
  readonly image: string;
  readonly previous: string;
  readonly started: Date;
  /** Null while it runs, or ran in a process that died. */
  readonly finished: Date | null;
  /** `rolledout`, `rolledback`, `unchanged`; null while it runs. */
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly interrupted: boolean;
  readonly milliseconds: number | null;
}

export interface RolloutSchema {
  readonly workload: WorkloadTable;
  readonly workload_replicas: WorkloadReplicasTable;
  readonly workload_image: WorkloadImageView;
  readonly workload_source: WorkloadSourceTable;
  readonly rollout: RolloutTable;
}
