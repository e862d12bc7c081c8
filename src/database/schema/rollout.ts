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
  readonly seen: Date;
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
  readonly rollout: RolloutTable;
}
