import type { FleetZone } from '../../recipe/index.ts';
import type { RolloutStrategy, Workload } from '../../runtime/index.ts';
import type { Campaign } from '../campaign/record.ts';
import type { Supersession } from '../store.ts';
import { type Target, targetsOf } from '../targets.ts';
import type { PlannedStage, SlotSettings } from './plan.ts';
import { type WindowState, windowState } from './windows.ts';
import { type Entry, entryOf } from './zones.ts';

export interface SimulatedStage {
  readonly stage: PlannedStage;
  readonly window: WindowState;
  readonly zones: readonly { readonly zone: FleetZone; readonly entry: Entry }[];
  readonly targets: readonly (Target & { /** From 1. */ readonly batch: number; readonly unchanged: boolean })[];
}

export interface Simulation {
  readonly stages: readonly SimulatedStage[];
  /** Slots that no stage takes. */
  readonly unstaged: readonly Target[];
  readonly missing: readonly string[];
  /** Where it would end: the first zone that does not let it in. */
  readonly refused: string | undefined;
}

/**
 * What a rollout would do now, in its order, if all it waits for came and every workload came through. Pure.
 * @param good zones in which the image proved good so far
 */
export function simulate(
  wanted: Pick<Campaign, 'image' | 'digest' | 'repository' | 'plan'>,
  workloads: readonly Workload[],
  known: readonly Supersession[],
  good: ReadonlySet<string>,
  now: number,
): Simulation {
  const { plan, digest } = wanted;
  const { targets, missing } = targetsOf(wanted, workloads, known);
  const proved = new Set(good);
  let refused: string | undefined;
  const stages = plan.stages.map((stage, index): SimulatedStage => {
    const own = targets.filter((target) => target.stage === index);
    const zones = [...new Set(own.flatMap(({ zone }) => zone ?? []))].map((zone) => ({
      ...{ zone, entry: entryOf(zone, plan.zones, proved) },
    }));
    for (const { zone, entry } of zones) {
      if (entry.kind === 'refused') refused ??= `${stage.name}: ${entry.reason}`;
      else proved.add(zone.name);
    }
    return {
      ...{ stage, zones, window: windowState(stage.windows, now) },
      targets: own.map((target, place) => ({
        ...target,
        batch: Math.floor(place / Math.max(1, stage.batch)) + 1,
        unchanged: target.previousDigest === digest && target.previous === target.image,
      })),
    };
  });
  return { stages, missing, refused, unstaged: targets.filter(({ stage }) => stage === undefined) };
}

/** `rolling`, `canary 10 % (300 s), 50 % (until resumed), 100 %`, `blueGreen`. */
export function strategyText({ strategy }: SlotSettings): string {
  if (strategy?.kind !== 'canary') return strategy?.kind ?? 'rolling';
  return `canary ${[...strategy.steps.map(stepText), ...(strategy.steps.at(-1)?.weight === 100 ? [] : ['100 %'])].join(', ')}`;
}

function stepText({ weight, pause }: Extract<RolloutStrategy, { kind: 'canary' }>['steps'][number]): string {
  if (pause === undefined) return `${weight} %`;
  return `${weight} % (${pause === 'until-resumed' ? 'until resumed' : `${pause / 1_000} s`})`;
}
