import { isHeraklitError } from '../base/index.ts';
import type { DatabaseReader } from '../database/index.ts';
import type { FleetZone } from '../recipe/index.ts';
import type { Workload, WorkloadRuntime } from '../runtime/index.ts';
import type { Campaign } from './campaign/record.ts';
import type { PlannedWorkload, SlotSettings } from './plan/plan.ts';
import { stageOf } from './plan/stage-of.ts';
import { imageFor, zoneOf } from './plan/zones.ts';
import { repositoryOf, type Slot, selectSlots, supersededBy } from './select.ts';
import { type Supersession, supersessions } from './store.ts';

/** A container slot that a rollout is to change. */
export interface Target extends Slot {
  readonly settings: SlotSettings;
  /** As the slot is to name it: of the zone's own registry, where it has one. */
  readonly image: string;
  readonly zone: FleetZone | undefined;
  /** Undefined: no stage takes it. */
  readonly stage: number | undefined;
}

export interface Targets {
  readonly targets: readonly Target[];
  /** Workloads the plan names and nobody has. */
  readonly missing: readonly string[];
}

type Wanted = Pick<Campaign, 'image' | 'digest' | 'repository' | 'plan'>;

/** What the inventory knows of digests that run. */
export async function supersededByRunning(
  reader: DatabaseReader,
  workloads: readonly Workload[],
): Promise<readonly Supersession[]> {
  const running = workloads.flatMap(({ containers }) => containers.flatMap(({ digest }) => digest ?? []));
  return await supersessions(reader, [...new Set(running)]);
}

/**
 * Every slot that a rollout changes, in the order the plan names them. Pure.
 * @throws ROLLOUT_WORKLOAD_UNKNOWN where the plan is strict
 */
export function targetsOf(campaign: Wanted, workloads: readonly Workload[], known: readonly Supersession[]): Targets {
  const { plan, digest, image } = campaign;
  const superseded = supersededBy(known, digest);
  const copies = plan.zones.map((zone) => repositoryOf(imageFor(zone, campaign)));
  const settled = (slot: Slot, own: Partial<SlotSettings> = {}): Target => {
    const zone = zoneOf(slot.workload, plan.zones);
    const { deadline, health, strategy, analysis } = { ...plan.settings, ...own };
    const settings: SlotSettings = {
      deadline,
      ...(health === undefined ? {} : { health }),
      ...(strategy === undefined ? {} : { strategy }),
      ...(analysis === undefined ? {} : { analysis }),
    };
    const stage = stageOf(slot.workload, plan.stages, plan.zones);
    return { ...slot, settings, zone, stage, image: imageFor(zone, campaign) };
  };
  if (plan.workloads === undefined) {
    const slots = selectSlots(workloads, { image, digest, copies }, [], superseded);
    return { targets: slots.map((slot) => settled(slot)), missing: [] };
  }
  const missing: string[] = [];
  const targets = plan.workloads.flatMap(({ workload, container, ...own }: PlannedWorkload) => {
    const target = { image, digest, copies, ...(container === undefined ? {} : { container }) };
    try {
      return selectSlots(workloads, target, [workload], superseded).map((slot) => settled(slot, own));
    } catch (error) {
      if (plan.strict === true || !isHeraklitError(error, 'ROLLOUT_WORKLOAD_UNKNOWN')) throw error;
      missing.push(workload);
      return [];
    }
  });
  return { targets, missing };
}

export type Surveyed = readonly (readonly [WorkloadRuntime, readonly Workload[]])[];

/** Workload id → runtime that has it. */
export const ownersOf = (surveyed: Surveyed): ReadonlyMap<string, WorkloadRuntime> =>
  new Map(surveyed.flatMap(([runtime, workloads]) => workloads.map(({ id }) => [id, runtime] as const)));
