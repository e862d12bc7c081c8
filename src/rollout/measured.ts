import { setTimeout as sleep } from 'node:timers/promises';
import { type Analyser, type AnalysisSettings, createAnalyser, type SecretPlaces } from '../analysis/index.ts';
import { messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { RolloutStep, StepVerdict } from '../runtime/index.ts';
import type { AnalysedSlot, OngoingAnalysis, StepAnalysis } from './analysis.ts';
import { keepMeasurements, measurementsOf } from './measurements.ts';

export interface MeasuredAnalysisOptions extends SecretPlaces {
  readonly database: Database;
  /** What is measured of a workload; nothing when undefined. */
  readonly settings: (slot: AnalysedSlot) => AnalysisSettings | undefined;
  readonly now?: () => number;
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

const NOTHING: OngoingAnalysis = { verdict: async () => ({ kind: 'go' }), end: async () => undefined };

const wait = async (milliseconds: number, signal: AbortSignal): Promise<void> =>
  await sleep(milliseconds, undefined, { signal });

/**
 * Judges steps by what is measured: every measurement is kept, so that a step that another process carries on counts all of
 * them, and history can tell why a rollout went on or back.
 * @throws ANALYSIS_TEMPLATE_INVALID, ANALYSIS_EXPRESSION_INVALID when a step begins
 */
export function measuredAnalysis(options: MeasuredAnalysisOptions): StepAnalysis {
  const context = { ...options, now: options.now ?? Date.now, wait: options.wait ?? wait };
  return {
    async begin(step, slot, signal) {
      const settings = slot.settings ?? options.settings(slot);
      if (settings === undefined) return NOTHING;
      const ended = new AbortController();
      const analyser = createAnalyser(settings, context);
      return ongoing(run(options.database, analyser, step, slot, AbortSignal.any([signal, ended.signal])), ended);
    },
  };
}

async function run(
  database: Database,
  analyser: Analyser,
  step: RolloutStep,
  slot: AnalysedSlot,
  signal: AbortSignal,
): Promise<StepVerdict> {
  const since = new Date(slot.since);
  const place = { workload: slot.workload.id, container: slot.container, digest: slot.digest, since, step: step.index };
  const kept = await measurementsOf(database.kysely, place, since);
  const { name, namespace } = slot.workload;
  return await analyser.analyse({
    subject: {
      ...{ workload: name, namespace, container: slot.container, weight: step.weight },
      ...{ before: step.before, after: step.after, since: slot.since, observer: slot.members },
    },
    past: kept.filter((one) => one.step === step.index && one.since.getTime() === since.getTime()),
    record: async (measurements) =>
      await database.transaction(async (trx) => await keepMeasurements(trx, place, measurements)),
    signal,
  });
}

function ongoing(running: Promise<StepVerdict>, ended: AbortController): OngoingAnalysis {
  let verdict: StepVerdict | undefined;
  let failure: unknown;
  const settled = running.then(
    (found) => {
      verdict = found;
    },
    (error: unknown) => {
      failure = error;
    },
  );
  return {
    async verdict() {
      // A database that is away for a moment: whoever asks meets it, too.
      if (failure !== undefined) throw failure instanceof Error ? failure : new Error(messageOf(failure));
      return verdict;
    },
    async end() {
      ended.abort();
      await settled;
    },
  };
}
