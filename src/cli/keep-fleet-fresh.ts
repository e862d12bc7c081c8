import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { Fleet, FleetRolloutWindow } from '../recipe/index.ts';
import type { AgePromises, NewerImage } from '../rollout/index.ts';
import type { Workload, WorkloadRuntime } from '../runtime/index.ts';
import type { CliContext } from './context.ts';

const SECOND = 1_000;
const DEFAULT_DEADLINE = 300;

/** What a fleet promises about the age of what runs; undefined where it promises nothing. */
export function agePromises({ rollout = {} }: Pick<Fleet, 'rollout'>): AgePromises | undefined {
  const { maxAge, workloads } = rollout;
  const own = new Map(
    (workloads ?? []).flatMap((one) => (one.maxAge === undefined ? [] : [[one.workload, one.maxAge]])),
  );
  if (maxAge === undefined && own.size === 0) return undefined;
  return {
    own,
    ...(maxAge === undefined ? {} : { maxAge }),
    // A list of workloads names all that are touched.
    ...(workloads === undefined ? {} : { only: new Set(workloads.map((one) => one.workload)) }),
  };
}

export interface KeepFreshOptions {
  readonly document: Pick<Fleet, 'rollout' | 'zones'>;
  readonly database: Database;
  readonly runtimes: readonly WorkloadRuntime[];
  readonly promises: AgePromises;
  /** Milliseconds until the next look. */
  readonly lead: number;
  /** When a workload may be changed; always when undefined. */
  readonly windowsOf?: (workload: Workload) => readonly FleetRolloutWindow[];
}

/**
 * Renews what is about to be older than promised. A newer image that was released takes its place where images wait for
 * nothing; where they have stages, windows or approvals, their own rollout brings it, and nothing gets it past these.
 */
export async function keepOnceFresh(options: KeepFreshOptions, context: CliContext) {
  const { keepFresh, planOfFleet, rollOut, takesTime } = await import('../rollout/index.ts');
  const { database, runtimes, document, promises, lead, windowsOf } = options;
  const { log, signal } = context;
  const deadline = (document.rollout?.deadline ?? DEFAULT_DEADLINE) * SECOND;
  const bringNewer = async ({ image, digest, workload, container }: NewerImage) => {
    const request = { image, digest, workloads: [workload], container, deadline };
    return (await rollOut({ database, runtimes, signal }, request)).outcomes;
  };
  return await keepFresh({
    ...{ database, runtimes, promises, lead, deadline, log, signal },
    ...(windowsOf === undefined ? {} : { windowsOf }),
    ...(takesTime(planOfFleet(document, '')) ? {} : { rollOut: bringNewer }),
  });
}

/** One look at the ages of what a fleet rolls out to, where it promises something. */
export async function keepFleetFresh(
  fleet: LoadedFleet,
  stage: Pick<KeepFreshOptions, 'database' | 'runtimes' | 'lead'>,
  context: CliContext,
): Promise<void> {
  const promises = agePromises(fleet.document);
  if (promises === undefined || stage.runtimes.length === 0) return;
  const { planOfFleet, stageOf } = await import('../rollout/index.ts');
  const { document } = fleet;
  const { stages, zones } = planOfFleet(document, '');
  const windowsOf = (workload: Workload): readonly FleetRolloutWindow[] => {
    const stage = stages[stageOf(workload, stages, zones) ?? -1];
    return stage?.windows ?? document.rollout?.windows ?? [];
  };
  await keepOnceFresh({ ...stage, document, promises, windowsOf }, context);
}
