import type { AnalysisSettings } from '../../analysis/index.ts';
import type { FleetRolloutWindow, FleetZone } from '../../recipe/index.ts';
import type { HealthCheck, RolloutStrategy } from '../../runtime/index.ts';

/** How one container slot is changed. */
export interface SlotSettings {
  /** Milliseconds without progress until a workload is rolled back. */
  readonly deadline: number;
  readonly health?: HealthCheck;
  /** Rolling when undefined. */
  readonly strategy?: RolloutStrategy;
  /** What is measured at its steps, in place of what the fleet of whoever carries it on says; files by absolute paths. */
  readonly analysis?: AnalysisSettings;
}

/** A workload by name, `namespace/name` or id, with what differs for it. */
export interface PlannedWorkload extends Partial<SlotSettings> {
  readonly workload: string;
  readonly container?: string;
}

/** Takes the workloads that fit all selectors it has. */
export interface PlannedStage {
  readonly name: string;
  readonly workloads?: readonly string[];
  readonly clusters?: readonly string[];
  readonly namespaces?: readonly string[];
  /** Empty: those that are in no zone. */
  readonly zone?: string;
  /** Moves to the digest when the stage begins. */
  readonly tag?: string;
  /** Milliseconds. */
  readonly soak: number;
  readonly approval: boolean;
  /** Distinct people who have to approve; 1 when undefined. */
  readonly approvals?: number;
  readonly batch: number;
  readonly windows: readonly FleetRolloutWindow[];
}

/** All that a rollout goes by, as it was when it began: kept as JSON, and so without anything but JSON. */
export interface RolloutPlan {
  readonly stages: readonly PlannedStage[];
  /** The only workloads that are touched, in this order; all that run what the image supersedes when undefined. */
  readonly workloads?: readonly PlannedWorkload[];
  /** A workload that nobody has is an error, and not merely told. */
  readonly strict?: boolean;
  readonly settings: SlotSettings;
  readonly approvers: readonly string[];
  readonly zones: readonly FleetZone[];
}

/** It may take longer than somebody who began it wants to stand by: steps are held by pauses and by what is measured. */
export function takesTime({ stages, workloads = [], settings }: RolloutPlan): boolean {
  const hasSteps = ({ strategy }: Partial<SlotSettings>): boolean =>
    strategy !== undefined && strategy.kind !== 'rolling';
  return (
    hasSteps(settings) ||
    workloads.some(hasSteps) ||
    stages.some(({ soak, approval, windows }) => soak > 0 || approval || windows.length > 0)
  );
}
