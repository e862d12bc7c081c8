import { type Clock, type Log, type Progress, systemClock } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { Workload, WorkloadRuntime } from '../runtime/index.ts';
import type { StepAnalysis } from './analysis.ts';
import { rolloutError } from './errors.ts';
import { recordSurvey } from './survey-store.ts';
import type { Surveyed } from './targets.ts';

export interface RollOutContext {
  readonly database: Database;
  readonly runtimes: readonly WorkloadRuntime[];
  /** Judges the steps of canaries. */
  readonly analysis?: StepAnalysis;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** What runs where now, written to the database. @throws ROLLOUT_NO_RUNTIME */
export async function surveyWorkloads(context: RollOutContext): Promise<Surveyed> {
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
