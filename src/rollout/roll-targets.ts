import { systemClock } from '../base/index.ts';
import type { RolloutOutcome, WorkloadRuntime } from '../runtime/index.ts';
import { controlOf } from './campaign/control.ts';
import type { Campaign } from './campaign/record.ts';
import { abandonRollout, beginRollout, finishRollout, type OpenRollout } from './store.ts';
import type { RollOutContext } from './survey.ts';
import type { Target } from './targets.ts';

export interface RolledTargets {
  readonly outcomes: readonly RolloutOutcome[];
  /** Workloads left alone because an earlier one did not come through, or because of `goesOn`. */
  readonly skipped: readonly string[];
}

const isSetback = ({ kind }: RolloutOutcome): boolean => kind === 'rolledback' || kind === 'overtaken';

/**
 * Changes slots in order, `batch` at a time. The first that does not come through ends it; so does `goesOn`, asked before
 * each batch.
 */
export async function rollTargets(
  context: RollOutContext,
  campaign: Campaign,
  targets: readonly Target[],
  options: {
    readonly batch: number;
    readonly owners: ReadonlyMap<string, WorkloadRuntime>;
    readonly goesOn: () => Promise<boolean>;
  },
): Promise<RolledTargets> {
  const outcomes: RolloutOutcome[] = [];
  const batch = Math.max(1, options.batch);
  for (let i = 0; i < targets.length; i += batch) {
    context.signal?.throwIfAborted();
    if (i > 0 && !(await options.goesOn())) break;
    const settled = await Promise.allSettled(
      targets.slice(i, i + batch).map((target) => {
        const runtime = options.owners.get(target.workload.id) as WorkloadRuntime;
        return rollOne(context, campaign, target, runtime);
      }),
    );
    for (const one of settled) {
      if (one.status === 'rejected') throw one.reason;
      outcomes.push(one.value);
    }
    context.progress?.update('rollout', outcomes.length, targets.length);
    if (outcomes.some(isSetback)) break;
  }
  return { outcomes, skipped: targets.slice(outcomes.length).map(({ workload }) => workload.id) };
}

async function rollOne(
  context: RollOutContext,
  campaign: Campaign,
  target: Target,
  runtime: WorkloadRuntime,
): Promise<RolloutOutcome> {
  const { database, clock = systemClock } = context;
  const { digest, tag } = campaign;
  const { workload, container, previous, previousDigest, image, settings } = target;
  const key = { workload: workload.id, container, digest, image };
  const slot = { ...key, previous, previousDigest, campaign: campaign.id };
  const open = await database.transaction(async (trx) => await beginRollout(trx, slot, clock));
  const control = controlOf({
    ...{ database, clock, campaign: campaign.id, row: open.row, analysis: context.analysis },
    slot: { workload, container, previous: open.previous, image, digest, members: runtime.members },
  });
  try {
    const outcome = await runtime.rollout(
      {
        ...{ workload, container, image, digest, control, ...settings },
        ...(tag === undefined ? {} : { tag }),
        ...(context.progress === undefined ? {} : { progress: context.progress }),
      },
      context.signal,
    );
    await database.transaction(async (trx) => await finishRollout(trx, open, { ...key, outcome }, clock));
    return outcome;
  } catch (error) {
    if (await isUntouched(open, target, runtime)) {
      await database.transaction(async (trx) => await abandonRollout(trx, open));
    }
    throw error;
  }
}

/** As far as the runtime says: listed again, it runs what it ran. Otherwise the row stays open for the next call. */
async function isUntouched(open: OpenRollout, target: Target, runtime: WorkloadRuntime): Promise<boolean> {
  // Steps are copies beside the old ones: the workload itself names the old image while they are in place.
  if (open.resumed || target.settings.strategy?.kind === 'canary') return false;
  const after = await runtime.list().catch(() => undefined);
  const now = after
    ?.find(({ id }) => id === target.workload.id)
    ?.containers.find((one) => one.name === target.container);
  return now !== undefined && now.digest !== undefined && now.image === target.previous;
}
