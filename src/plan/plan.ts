import { planError } from './errors.ts';
import { inLineageOrder } from './lineage.ts';
import type {
  Decide,
  Decision,
  DecisionContext,
  FleetState,
  Plan,
  PlanProblem,
  PlanTask,
  TaskReason,
} from './types.ts';

export interface PlanOptions {
  /** Also build again what failed with exactly the input it has now. */
  readonly retryFailed?: boolean;
}

interface Need {
  readonly own: boolean;
  readonly reason: TaskReason;
  readonly because: string;
}

/**
 * What must be made, in which order, how and why. Images with nothing to do are left out. A child is a task when its
 * base is one, even without a missing update of its own; whether it really changes shows when the base is done.
 * Pure: the same fleet gives the same plan.
 *
 * @throws PLAN_CYCLE, PLAN_DUPLICATE, PLAN_BASE_UNKNOWN
 */
export function planFleet(fleet: readonly FleetState[], decide: Decide, options: PlanOptions = {}): Plan {
  const images = inLineageOrder(fleet);
  const digests = new Map(fleet.map((image) => [image.name, image.digest]));
  const tasks = new Map<string, PlanTask>();
  for (const image of images) {
    const base = image.base === undefined ? undefined : tasks.get(image.base);
    const baseChanges = base !== undefined && runs(base);
    const need = needOf(image, baseChanges, image.base === undefined ? undefined : digests.get(image.base), options);
    const moved = baseChanges || isMoved(image, image.base === undefined ? undefined : digests.get(image.base));
    if (need !== undefined) tasks.set(image.name, taskOf(image, need, baseChanges ? base : undefined, moved, decide));
  }
  const ordered = [...tasks.values()].sort((a, b) => a.level - b.level || (a.image < b.image ? -1 : 1));
  const levels = [...Map.groupBy(ordered, (task) => task.level).values()];
  return { tasks: ordered, levels: levels.map((level) => level.map((task) => task.image)) };
}

/** Whether the task will be carried out, so that those after it must wait. */
function runs(task: PlanTask): boolean {
  return task.status === 'scheduled' || task.status === 'blocked';
}

function needOf(
  image: FleetState,
  baseChanges: boolean,
  baseDigest: string | undefined,
  options: PlanOptions,
): Need | undefined {
  // The same input gives the same result; a base that is made again may change that.
  const again = image.tried === 'failed' && options.retryFailed === true;
  if (image.tried !== undefined && !baseChanges && !again) return undefined;
  if (image.digest === undefined) {
    const because = image.recipe === 'none' ? 'it was never taken over' : 'it was never built';
    return { own: true, reason: 'new build', because };
  }
  const need = changeOf(image, baseChanges, baseDigest);
  if (need === undefined || image.tried !== 'failed') return need;
  return { own: need.own, reason: 'retrying bad build', because: `${need.because}; the last attempt failed` };
}

function changeOf(image: FleetState, baseChanges: boolean, baseDigest: string | undefined): Need | undefined {
  if (image.recipeDigest !== undefined && image.recipeDigest !== image.builtFrom) {
    return { own: true, reason: 'source change', because: recipeSentence(image) };
  }
  if (image.missing.length > 0) return { own: true, reason: 'meta change', because: missingSentence(image) };
  if (isMoved(image, baseDigest)) {
    return { own: true, reason: 'meta change', because: `its base ${image.base} changed since it was built` };
  }
  if (baseChanges) return { own: false, reason: 'meta change', because: `its base ${image.base} is made again` };
  return undefined;
}

const isMoved = (image: FleetState, baseDigest: string | undefined): boolean =>
  image.baseDigest !== undefined && baseDigest !== undefined && image.baseDigest !== baseDigest;

const recipeSentence = ({ sourceMoved }: FleetState): string =>
  sourceMoved === undefined ? 'its recipe changed' : `its recipe changed (${sourceMoved})`;

function missingSentence(image: FleetState): string {
  const updates = image.missing.length;
  const security = image.missing.filter((one) => one.security).length;
  const named = image.missing
    .slice(0, 3)
    .map((one) => `${one.package} ${one.candidate}`)
    .join(', ');
  const more = updates > 3 ? `, and ${updates - 3} more` : '';
  const plural = updates === 1 ? 'update' : 'updates';
  return `it misses ${updates} ${plural} (${security} security): ${named}${more}`;
}

function taskOf(
  image: FleetState,
  need: Need,
  base: PlanTask | undefined,
  baseMoved: boolean,
  decide: Decide,
): PlanTask {
  const context: DecisionContext = { reason: need.reason, baseChanges: base !== undefined, baseMoved };
  const decision = decide(image, context);
  const because = `${need.because}; ${decision.strategy}: ${decision.because}`;
  const status = statusOf(image, decision, base);
  return {
    image: image.name,
    level: base === undefined ? 0 : base.level + 1,
    status,
    ...(status === 'excluded' ? { problem: excluded(image.name, because) } : {}),
    reason: need.reason,
    strategy: decision.strategy,
    because,
    alternatives: decision.alternatives ?? [],
    after: base === undefined ? [] : [base.image],
    missing: image.missing,
    ownNeed: need.own,
  };
}

function excluded(image: string, because: string): PlanProblem {
  const {
    code,
    message,
    hint = '',
  } = planError('PLAN_STRATEGY_EXCLUDED', `${image}: ${because}`, {
    hint: 'Allow the strategy in policy.strategies of the fleet file, or leave that setting out.',
  });
  return { code, image, message, hint };
}

function statusOf(image: FleetState, decision: Decision, base: PlanTask | undefined): PlanTask['status'] {
  if (image.state !== 'enabled') return image.state;
  if (decision.excluded === true) return 'excluded';
  return base === undefined ? 'scheduled' : 'blocked';
}
