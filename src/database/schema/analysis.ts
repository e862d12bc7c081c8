import type { Generated } from 'kysely';

/** One measurement of one metric at a step of a rollout. */
export interface RolloutMeasurementTable {
  readonly id: Generated<number>;
  readonly workload: string;
  readonly container: string;
  readonly digest: string;
  readonly step: number;
  /** When the step was reached: tells two rollouts of the same digest apart. */
  readonly step_since: Date;
  readonly metric: string;
  readonly at: Date;
  /** `good`, `bad`, `inconclusive`. */
  readonly outcome: string;
  /** Null where there was no answer. */
  readonly after_value: number | null;
  /** Null where the old side was not asked, or had no answer. */
  readonly before_value: number | null;
  readonly detail: string;
}

/** New copies of the same image for a workload that grew old. */
export interface WorkloadRenewalTable {
  readonly id: Generated<number>;
  readonly workload: string;
  /** Copies made before then were to be replaced. */
  readonly before: Date;
  readonly started: Date;
  /** Null while it runs, or ran in a process that died. */
  readonly finished: Date | null;
  /** `renewed`, `failed`. */
  readonly outcome: string | null;
  readonly reason: string | null;
}

/** Whether what images are rolled out to answers. */
export interface RuntimeStateTable {
  readonly name: string;
  /** `usable`, `away`. */
  readonly state: string;
  readonly reason: string;
  readonly since: Date;
  /** Null while it answers. */
  readonly retry: Date | null;
  /** When a server looked at it last. */
  readonly seen: Date;
}

export interface AnalysisSchema {
  readonly runtime_state: RuntimeStateTable;
  readonly rollout_measurement: RolloutMeasurementTable;
  readonly workload_renewal: WorkloadRenewalTable;
}
