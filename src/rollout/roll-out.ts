import { type Clock, type Progress, systemClock } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { Digest } from '../oci/index.ts';
import type { HealthCheck, RolloutOutcome, RolloutStrategy, Workload, WorkloadRuntime } from '../runtime/index.ts';
import type { StepAnalysis } from './analysis.ts';
import { rolloutError } from './errors.ts';
import { refuseQuarantined } from './quarantine.ts';
import { type Slot, selectSlots, supersededBy } from './select.ts';
import { abandonRollout, beginRollout, finishRollout, supersessions } from './store.ts';
import { recordSurvey } from './survey-store.ts';

export interface RollOutRequest {
  /** `host/repository@sha256:…`, pullable from the runtimes. */
  readonly image: string;
  readonly digest: Digest;
  readonly tag?: string;
  /** Names, `namespace/name` or ids, in this order; all that use a superseded image when empty. */
  readonly workloads?: readonly string[];
  /** Only the container of that name; else those that fit the image. */
  readonly container?: string;
  /** Milliseconds without progress until a workload is rolled back. */
  readonly deadline: number;
  /** Workloads at once; 1 when undefined. */
  readonly batch?: number;
  readonly health?: HealthCheck;
  /** How a workload's new image takes the place of the old one; rolling when undefined. */
  readonly strategy?: RolloutStrategy;
}

export interface RollOutContext {
  readonly database: Database;
  readonly runtimes: readonly WorkloadRuntime[];
  /** Judges the steps of canaries. */
  readonly analysis?: StepAnalysis;
  readonly clock?: Clock;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface RollOutResult {
  readonly outcomes: readonly RolloutOutcome[];
  /** Workloads left alone because an earlier one was rolled back. */
  readonly skipped: readonly string[];
}

interface Owned extends Slot {
  readonly runtime: WorkloadRuntime;
}

/** What runs where now, written to the database. @throws ROLLOUT_NO_RUNTIME */
export async function surveyWorkloads(
  context: RollOutContext,
): Promise<readonly (readonly [WorkloadRuntime, readonly Workload[]])[]> {
  const surveyed: (readonly [WorkloadRuntime, readonly Workload[]])[] = [];
  const reasons: string[] = [];
  for (const runtime of context.runtimes) {
    const reason = await runtime.unavailable();
    if (reason !== undefined) {
      reasons.push(`${runtime.name}: ${reason}`);
      continue;
    }
    const workloads = await runtime.list();
    await context.database.transaction(
      async (trx) => await recordSurvey(trx, runtime, workloads, context.clock ?? systemClock),
    );
    surveyed.push([runtime, workloads]);
  }
  if (surveyed.length > 0) return surveyed;
  throw rolloutError(
    'ROLLOUT_NO_RUNTIME',
    `nothing to roll out on: ${reasons.join('; ') || 'no runtime is configured'}`,
  );
}

async function rollOutSlot(context: RollOutContext, slot: Owned, request: RollOutRequest): Promise<RolloutOutcome> {
  const { database, clock = systemClock } = context;
  const { image, digest } = request;
  const { workload, container, previous, runtime } = slot;
  const key = { workload: workload.id, container, digest, image };
  const open = await database.transaction(async (trx) => await beginRollout(trx, { ...key, previous }, clock));
  try {
    const outcome = await runtime.rollout(
      {
        workload,
        container,
        image,
        digest,
        deadline: request.deadline,
        ...(request.tag === undefined ? {} : { tag: request.tag }),
        ...(request.health === undefined ? {} : { health: request.health }),
        ...(request.strategy === undefined ? {} : { strategy: request.strategy }),
        ...(context.progress === undefined ? {} : { progress: context.progress }),
      },
      context.signal,
    );
    await database.transaction(async (trx) => await finishRollout(trx, open, { ...key, outcome }, clock));
    return outcome;
  } catch (error) {
    // Untouched, as far as the runtime says: listed again, it runs what it ran. Otherwise the row stays open for the next call.
    const after = await runtime.list().catch(() => undefined);
    const now = after?.find(({ id }) => id === workload.id)?.containers.find(({ name }) => name === container);
    const untouched = !open.resumed && now !== undefined && now.digest !== undefined && now.image === previous;
    if (untouched) await database.transaction(async (trx) => await abandonRollout(trx, open));
    throw error;
  }
}

/**
 * Brings an image to the workloads that use what it supersedes, in order, `batch` at a time. The first one that is rolled
 * back ends it: its digest is quarantined when the image is to blame, and the rest is left alone. Called again after a
 * crash it goes on where it stopped and announces nothing twice.
 * @throws ROLLOUT_DIGEST_QUARANTINED, ROLLOUT_WORKLOAD_UNKNOWN, ROLLOUT_NO_RUNTIME and what a runtime throws
 */
export async function rollOut(context: RollOutContext, request: RollOutRequest): Promise<RollOutResult> {
  await refuseQuarantined(context.database.kysely, request.digest);
  const surveyed = await surveyWorkloads(context);
  const owner = new Map(surveyed.flatMap(([runtime, workloads]) => workloads.map(({ id }) => [id, runtime] as const)));
  const workloads = surveyed.flatMap(([, found]) => found);
  const running = workloads.flatMap(({ containers }) => containers.flatMap(({ digest }) => digest ?? []));
  const known = await supersessions(context.database.kysely, [...new Set(running)]);
  const superseded = supersededBy(known, request.digest);
  const slots = selectSlots(workloads, request, request.workloads ?? [], superseded).map((slot) => ({
    ...slot,
    runtime: owner.get(slot.workload.id) as WorkloadRuntime,
  }));
  const outcomes: RolloutOutcome[] = [];
  const batch = Math.max(1, request.batch ?? 1);
  for (let i = 0; i < slots.length; i += batch) {
    context.signal?.throwIfAborted();
    const settled = await Promise.allSettled(
      slots.slice(i, i + batch).map((slot) => rollOutSlot(context, slot, request)),
    );
    for (const one of settled) {
      if (one.status === 'rejected') throw one.reason;
      outcomes.push(one.value);
    }
    context.progress?.update('rollout', outcomes.length, slots.length);
    if (outcomes.some(({ kind }) => kind === 'rolledback' || kind === 'overtaken')) break;
  }
  return { outcomes, skipped: slots.slice(outcomes.length).map(({ workload }) => workload.id) };
}
