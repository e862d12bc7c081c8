import { systemClock } from '../base/index.ts';
import type { RolloutOutcome, Workload, WorkloadRuntime } from '../runtime/index.ts';
import { controlOf } from './campaign/control.ts';
import type { Campaign } from './campaign/record.ts';
import { type FreshList, freshLists } from './fresh-lists.ts';
import { abandonRollout, beginRollout, finishRollout, type OpenRollout, proposeRollout } from './store.ts';
import type { RollOutContext } from './survey.ts';
import type { Target } from './targets.ts';

export interface RolledTargets {
  readonly outcomes: readonly RolloutOutcome[];
  /** Workloads left alone because an earlier one did not come through, or because of `goesOn`. */
  readonly skipped: readonly string[];
}

const isSetback = ({ kind }: RolloutOutcome): boolean => kind === 'rolledback' || kind === 'overtaken';

/**
 * Changes slots in order, `batch` at a time: the next begins when one is done, so that a slow one holds up no others. The first
 * that does not come through ends it; so does `goesOn`, asked before each that is not among the first.
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
  const outcomes = new Map<Target, RolloutOutcome>();
  const list = freshLists();
  const left = [...targets];
  let isOver = false;
  const lane = async (first: Target | undefined): Promise<void> => {
    for (let target = first; target !== undefined; target = isOver ? undefined : left.shift()) {
      if (target !== first && !(await mayBegin())) {
        left.unshift(target);
        return;
      }
      const runtime = options.owners.get(target.workload.id) as WorkloadRuntime;
      const outcome = await rollOne(context, campaign, target, runtime, list);
      outcomes.set(target, outcome);
      isOver ||= isSetback(outcome);
      context.progress?.update('rollout', outcomes.size, targets.length);
    }
  };
  const mayBegin = async (): Promise<boolean> => {
    context.signal?.throwIfAborted();
    isOver ||= !(await options.goesOn());
    return !isOver;
  };
  context.signal?.throwIfAborted();
  const lanes = left.splice(0, Math.max(1, options.batch)).map(async (target) => {
    try {
      await lane(target);
    } catch (error) {
      isOver = true;
      throw error;
    }
  });
  const settled = await Promise.allSettled(lanes);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const done = targets.flatMap((target) => outcomes.get(target) ?? []);
  return { outcomes: done, skipped: targets.flatMap((one) => (outcomes.has(one) ? [] : one.workload.id)) };
}

async function rollOne(
  context: RollOutContext,
  campaign: Campaign,
  target: Target,
  runtime: WorkloadRuntime,
  list: FreshList,
): Promise<RolloutOutcome> {
  const { database, clock = systemClock } = context;
  const { digest, tag } = campaign;
  const { workload, container, previous, previousDigest, image } = target;
  const { analysis: measured, ...settings } = target.settings;
  const key = { workload: workload.id, container, digest, image };
  const slot = { ...key, previous, previousDigest, campaign: campaign.id };
  const open = await database.transaction(async (trx) => await beginRollout(trx, slot, clock));
  const control = controlOf({
    ...{ database, clock, campaign: campaign.id, row: open.row, analysis: context.analysis },
    slot: { workload, container, previous: open.previous, image, digest, members: runtime.members, settings: measured },
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
    await database.transaction(async (trx) =>
      outcome.kind === 'proposed'
        ? await proposeRollout(trx, open, outcome.reason)
        : await finishRollout(trx, open, { ...key, outcome }, clock),
    );
    return outcome;
  } catch (error) {
    if (await isUntouched(open, target, () => list(runtime))) {
      await database.transaction(async (trx) => await abandonRollout(trx, open));
    }
    throw error;
  }
}

/** As far as the runtime says: listed again, it runs what it ran. Otherwise the row stays open for the next call. */
async function isUntouched(
  open: OpenRollout,
  target: Target,
  list: () => Promise<readonly Workload[] | undefined>,
): Promise<boolean> {
  // Steps are copies beside the old ones: the workload itself names the old image while they are in place.
  if (open.resumed || target.settings.strategy?.kind === 'canary') return false;
  const now = (await list())
    ?.find(({ id }) => id === target.workload.id)
    ?.containers.find((one) => one.name === target.container);
  return now !== undefined && now.digest !== undefined && now.image === target.previous;
}
