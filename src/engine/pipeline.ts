import { type Clock, type Log, silentLog, systemClock } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import { OUTBOX_CHANNEL } from '../events/index.ts';
import type { Decide, Plan, PlanProblem } from '../plan/index.ts';
import type { RegistryCatalogue } from '../registry/index.ts';
import type { BlobStore } from '../storage/index.ts';
import { DEFAULT_PARALLEL, type EngineContext, type Fleet, type Parallel, type StageTimes, timed } from './context.ts';
import type { PipelinePorts } from './ports.ts';
import { openQueue } from './queue/pg-boss-queue.ts';
import { refuseClash, takeOver } from './run/claim-images.ts';
import { pushReleased } from './run/push-released.ts';
import { requeueOpenTasks } from './run/requeue.ts';
import { signReleased } from './run/sign-released.ts';
import { planSurvey, startRun, surveyFleet } from './run/start-run.ts';
import { tasksOfRun } from './run/task-store.ts';
import type { Task } from './task.ts';
import { Worker } from './worker.ts';

export interface PipelineOptions {
  readonly fleet: Fleet;
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly catalogue: RegistryCatalogue;
  readonly ports: PipelinePorts;
  /** Picks the strategy of each task. */
  readonly decide: Decide;
  /** `host:port` of our registry as consumers reach it; '' when it is not served. */
  readonly registryHost?: string;
  readonly parallel?: Partial<Parallel>;
  /** Only updates of security repositories are a reason to build. */
  readonly securityOnly?: boolean;
  /** An earlier name of this fleet, whose images are its own. */
  readonly takeOver?: string;
  /** Only these images have needs of their own this time; what stands on them follows. */
  readonly only?: ReadonlySet<string>;
  /** Also build again what failed with the same input. */
  readonly retryFailed?: boolean;
  readonly attempts?: number;
  /** Milliseconds. */
  readonly retryDelay?: number;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly signal?: AbortSignal;
}

export interface PipelineResult {
  /** Undefined when there was nothing to do. */
  readonly run: string | undefined;
  /** An unfinished run of a process that ended was carried on; call again to look for what is new since. */
  readonly resumed: boolean;
  readonly tasks: readonly Task[];
  /** Images that cannot be made, as planned by this call, or could not be pushed. */
  readonly problems: readonly PlanProblem[];
  /** Milliseconds, summed over tasks that ran side by side. */
  readonly times: Readonly<StageTimes>;
}

/**
 * The loop, once: feed → inventory → plan → build → publish → verify → rollout, then push. A run that an earlier process left
 * unfinished is carried on instead. Killed at any moment and called again, it ends in the same state, with the same
 * events.
 *
 * @throws ENGINE_RUN_ACTIVE, ENGINE_FLEET_CLASH, PLAN_CYCLE, PLAN_DUPLICATE, PLAN_BASE_UNKNOWN, and what feed and inventory throw; an error
 *   of one task is that task's outcome, not an error here
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineResult> {
  const signal = options.signal ?? new AbortController().signal;
  const context = await contextOf(options);
  try {
    const unfinished = await unfinishedRun(context);
    const { run, problems } =
      unfinished === undefined ? await nextRun(context, options, signal) : { run: unfinished, problems: [] };
    if (unfinished !== undefined) await requeueOpenTasks(context, unfinished);
    if (run !== undefined) await carryOut(context, run, signal);
    const tasks = run === undefined ? [] : await tasksOfRun(context.database.kysely, run);
    const { pushes = [], signing } = context.ports;
    const unsigned = signing === undefined ? [] : await signReleased(context, signing, signal);
    const unpushed = (await Promise.all(pushes.map((port) => pushReleased(context, port, signal)))).flat();
    const resumed = unfinished !== undefined;
    return { run, resumed, tasks, problems: [...problems, ...unsigned, ...unpushed], times: context.times };
  } finally {
    await context.queue.stop();
  }
}

/** What `runPipeline` would do now: brings indexes up to date and plans, and carries out nothing. */
export async function planPipeline(options: PipelineOptions): Promise<Plan> {
  const signal = options.signal ?? new AbortController().signal;
  const context = await contextOf(options);
  try {
    await timed(context, 'feed', () => context.ports.feed.refresh(signal));
    return planSurvey(context, await surveyFleet(context, signal), options);
  } finally {
    await context.queue.stop();
  }
}

async function nextRun(
  context: EngineContext,
  options: PipelineOptions,
  signal: AbortSignal,
): Promise<{ readonly run: string | undefined; readonly problems: readonly PlanProblem[] }> {
  await timed(context, 'feed', () => context.ports.feed.refresh(signal));
  const survey = await surveyFleet(context, signal);
  const plan = planSurvey(context, survey, options);
  const run = await timed(context, 'plan', () => startRun(context, survey, plan));
  return { run, problems: plan.tasks.flatMap((task) => task.problem ?? []) };
}

async function unfinishedRun(context: EngineContext): Promise<string | undefined> {
  const row = await context.database.kysely
    .selectFrom('run')
    .select('id')
    .where('fleet', '=', context.fleet.name)
    .where('status', '=', 'running')
    .executeTakeFirst();
  return row?.id;
}

/** Build, publish, verify and roll out every task of the run. */
async function carryOut(context: EngineContext, run: string, signal: AbortSignal): Promise<void> {
  const worker = new Worker(context);
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    await worker.start();
    await Promise.race([runDone(context, run), worker.failed, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    await worker.stop();
  }
}

/** Milliseconds between looks at the run when no commit woke us. */
const DONE_POLL_MS = 1_000;

async function runDone(context: EngineContext, run: string): Promise<void> {
  const { database } = context;
  let look = Promise.withResolvers<void>();
  const wake = (): void => look.resolve();
  const unlisten = await database.listen(OUTBOX_CHANNEL, wake);
  const timer = setInterval(wake, DONE_POLL_MS);
  try {
    for (;;) {
      look = Promise.withResolvers<void>();
      const row = await database.kysely.selectFrom('run').select('status').where('id', '=', run).executeTakeFirst();
      if (row?.status !== 'running') return;
      await look.promise;
    }
  } finally {
    clearInterval(timer);
    await unlisten();
  }
}

async function contextOf(options: PipelineOptions): Promise<EngineContext> {
  const { database, blobs, fleet, ports, decide, catalogue, takeOver: from } = options;
  const log = options.log ?? silentLog;
  if (from !== undefined && from !== fleet.name) await database.transaction((trx) => takeOver(trx, fleet, from));
  await refuseClash(database.kysely, fleet);
  return {
    database,
    blobs,
    fleet,
    images: new Map(fleet.images.map((image) => [image.image, image])),
    ports,
    decide,
    securityOnly: options.securityOnly ?? false,
    log,
    queue: await openQueue(database, fleet.name, log),
    publisher: { catalogue, project: fleet.name, host: options.registryHost ?? '' },
    parallel: { ...DEFAULT_PARALLEL, ...options.parallel },
    clock: options.clock ?? systemClock,
    times: { feed: 0, inventory: 0, plan: 0, build: 0, verify: 0, rollout: 0 },
    attempts: options.attempts ?? 3,
    retryDelay: options.retryDelay ?? 1_000,
  };
}
