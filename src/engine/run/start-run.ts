import { createHash } from 'node:crypto';
import type { FleetImageTable } from '../../database/index.ts';
import { emit } from '../../events/index.ts';
import { type Digest, serialize } from '../../oci/index.ts';
import { type FleetState, type MissingUpdate, type Plan, type PlanTask, planFleet } from '../../plan/index.ts';
import { type EngineContext, timed } from '../context.ts';
import { engineError } from '../errors.ts';
import { outdatedEvent, runEvent, taskEvent } from '../events.ts';
import type { FleetImage, ImageSource, ReleasedImage } from '../ports.ts';
import { jobOf, type Task } from '../task.ts';
import { claimImages } from './claim-images.ts';
import { loadFleet, triedInput } from './fleet-store.ts';
import { saveTasks } from './task-store.ts';

/** The fleet as it stands: what is released, and what that misses. */
export interface Survey {
  readonly released: ReadonlyMap<string, FleetImageTable>;
  /** Updates that are a reason to build. */
  readonly missing: ReadonlyMap<string, readonly MissingUpdate[]>;
}

/** Compares what is released with what the repositories offer; announces what is outdated. */
export async function surveyFleet(context: EngineContext, signal: AbortSignal): Promise<Survey> {
  const released = await loadFleet(context.database.kysely, context.fleet.name);
  const images = context.fleet.images.flatMap((image): ReleasedImage[] => {
    const digest = released.get(image.image)?.digest;
    return digest === null || digest === undefined ? [] : [{ ...image, digest: digest as Digest }];
  });
  const missing = await timed(context, 'inventory', () => context.ports.inventory.survey(images, signal));
  const outdated = images.flatMap((image) => {
    const updates = missing.get(image.image) ?? [];
    return updates.length === 0 ? [] : [outdatedEvent(image, updates)];
  });
  if (outdated.length > 0) await context.database.transaction((trx) => emit(trx, outdated, context.clock));
  return { released, missing: context.securityOnly ? securityAlone(missing) : missing };
}

/** What else is missing is announced, and comes along when the image is built for another reason. */
const securityAlone = (missing: Survey['missing']): Survey['missing'] =>
  new Map([...missing].map(([image, updates]) => [image, updates.filter((one) => one.security)]));

/** The plan for a survey, without carrying it out. */
export function planSurvey(context: EngineContext, survey: Survey, wanted: Wanted): Plan {
  const { retryFailed = false, only } = wanted;
  const states = context.fleet.images.map((image) => stateOf(image, survey));
  return planFleet(only === undefined ? states : onlyThese(states, only), context.decide, { retryFailed });
}

export interface Wanted {
  readonly retryFailed?: boolean;
  /** Images with needs of their own; what stands on them follows. */
  readonly only?: ReadonlySet<string>;
}

/** The others as if nothing had come for them: left alone, unless what they stand on changes. */
function onlyThese(states: readonly FleetState[], only: ReadonlySet<string>): readonly FleetState[] {
  const byName = new Map(states.map((state) => [state.name, state]));
  const needed = new Set<string>();
  for (const name of only) {
    // A base that was never built comes first.
    for (let at = byName.get(name); at !== undefined && !needed.has(at.name); at = byName.get(at.base ?? ''))
      needed.add(at.name);
  }
  return states.map((state) => {
    if (only.has(state.name) || (needed.has(state.name) && state.digest === undefined)) return state;
    const tried = state.digest === undefined ? 'failed' : undefined;
    return { ...state, missing: [], recipeDigest: state.builtFrom, tried };
  });
}

/**
 * Records a plan as a run with its tasks and first jobs, in one transaction. Run and job ids come from the plan, so a
 * process that dies here leaves either nothing or all of it.
 * @returns the run's id; undefined when there is nothing to carry out
 * @throws ENGINE_RUN_ACTIVE, ENGINE_FLEET_CLASH
 */
export async function startRun(context: EngineContext, survey: Survey, plan: Plan): Promise<string | undefined> {
  const open = plan.tasks.filter((task) => task.status === 'scheduled' || task.status === 'blocked');
  if (open.length === 0) return undefined;
  const drafts = plan.tasks.map((task) => draftOf(task, context.images.get(task.image) as FleetImage, survey));
  const input = hash({ fleet: context.fleet.name, tasks: drafts });
  return context.database.transaction(async (trx) => {
    const before = await trx
      .selectFrom('run')
      .select((expression) => expression.fn.countAll<number>().as('count'))
      .where('input', '=', input)
      .executeTakeFirstOrThrow();
    const attempt = Number(before.count) + 1;
    const run = hash({ input, attempt }).slice(0, 32);
    const now = new Date(context.clock.now());
    const fleet = context.fleet.name;
    const inserted = await trx
      .insertInto('run')
      .values({ id: run, input, attempt, fleet, status: 'running', started: now, finished: null })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (inserted === undefined) {
      throw engineError('ENGINE_RUN_ACTIVE', `a run of fleet ${fleet} is under way`, {
        hint: 'Wait until it is finished (`heraklit events --follow`); it carries out what is planned now.',
      });
    }
    await claimImages(trx, context.fleet);
    const tasks = drafts.map((draft): Task => ({ ...draft, run, updated: now }));
    await saveTasks(trx, tasks);
    const counts = Object.fromEntries(
      [...Map.groupBy(tasks, (task) => task.status)].map(([status, group]) => [status, group.length]),
    );
    await emit(trx, [runEvent(run, fleet, 'started', counts), ...tasks.map(taskEvent)], context.clock);
    await context.queue.enqueue(
      trx,
      tasks.flatMap((task) => (task.status === 'scheduled' ? [jobOf(task, 'build')] : [])),
    );
    return run;
  });
}

function stateOf(image: FleetImage, survey: Survey): FleetState {
  const row = survey.released.get(image.image);
  const { base, recipe, recipeDigest, state } = image;
  return {
    name: image.image,
    base,
    recipe,
    recipeDigest,
    state,
    builtFrom: row?.recipe_digest ?? undefined,
    ...movedSource(image, row),
    digest: (row?.digest ?? undefined) as Digest | undefined,
    baseDigest: (row?.base_digest ?? undefined) as Digest | undefined,
    missing: survey.missing.get(image.image) ?? [],
    tried:
      row?.tried_input === triedInput(inputOf(image, survey), baseOf(image, survey))
        ? (row.tried ?? undefined)
        : undefined,
  };
}

/** In words, where image and release have sources. */
function movedSource(image: FleetImage, row: FleetImageTable | undefined): Pick<FleetState, 'sourceMoved'> {
  if (image.source?.commit === undefined || row?.source === null || row === undefined) return {};
  const { commit } = JSON.parse(row.source) as ImageSource;
  const { ref = 'it', commit: now } = image.source;
  if (commit === undefined || commit === now) return {};
  return { sourceMoved: `${ref} is at ${now.slice(0, 12)}, it was built from ${commit.slice(0, 12)}` };
}

function baseOf(image: FleetImage, survey: Survey): string | null | undefined {
  return image.base === undefined ? undefined : survey.released.get(image.base)?.digest;
}

/** Digest of what a build of the image is a function of, but its base. */
function inputOf(image: FleetImage, survey: Survey): string {
  return hash({
    image: image.image,
    recipe: image.recipeDigest,
    previous: survey.released.get(image.image)?.digest,
    missing: survey.missing.get(image.image) ?? [],
  });
}

function draftOf(task: PlanTask, image: FleetImage, survey: Survey): Omit<Task, 'run' | 'updated'> {
  return {
    image: task.image,
    level: task.level,
    base: task.after[0] ?? null,
    status: task.status,
    step: task.status === 'scheduled' ? 'build' : null,
    attempt: 0,
    reason: task.reason,
    strategy: task.strategy,
    because: task.because,
    alternatives: JSON.stringify(task.alternatives),
    own_need: task.ownNeed,
    input: inputOf(image, survey),
    recipe_digest: image.recipeDigest ?? null,
    source: image.source === undefined ? null : JSON.stringify(image.source),
    repository: image.repository,
    tag: image.tag,
    previous: survey.released.get(task.image)?.digest ?? null,
    previous_base: survey.released.get(task.image)?.base_digest ?? null,
    previous_recipe: survey.released.get(task.image)?.recipe_digest ?? null,
    digest: null,
    base_digest: null,
    result: null,
    error: task.problem === undefined ? null : `${task.problem.code}: ${task.problem.message}`,
  };
}

function hash(value: object): string {
  return createHash('sha256').update(serialize(value)).digest('hex');
}
