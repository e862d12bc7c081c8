import type { AnalysisSettings } from '../analysis/index.ts';
import type { Digest } from '../oci/index.ts';
import type { MemberObserver, Revocation, RolloutStep, StepVerdict, Workload } from '../runtime/index.ts';

/** What a step belongs to. */
export interface AnalysedSlot {
  readonly workload: Workload;
  readonly container: string;
  /** Image reference that ran before. */
  readonly previous: string;
  /** Pullable reference with digest of the new image. */
  readonly image: string;
  readonly digest: Digest;
  /** When the step was reached first, whatever process saw it; milliseconds since the epoch. */
  readonly since: number;
  /** Of the runtime that has the workload: restarts and logs of the copies. */
  readonly members?: MemberObserver | undefined;
  /** What its rollout says is measured, before what the fleet file says now. */
  readonly settings?: AnalysisSettings | undefined;
}

/**
 * Compares what a step runs beside each other: error rates, latencies, logs. Begun when a step is in place and healthy, and
 * begun again with the same `since` when another process carries the rollout on.
 */
export interface StepAnalysis {
  begin(step: RolloutStep, slot: AnalysedSlot, signal: AbortSignal): Promise<OngoingAnalysis>;
}

/**
 * Asked about once a second while its step lasts. A `back` takes effect at once. A `go` or `promote` when the step's own
 * pause is over too; undefined, which is "not known yet", holds the step beyond its pause.
 */
export interface OngoingAnalysis {
  verdict(): Promise<StepVerdict | undefined>;
  /** Its step is over, or the process ends. */
  end(): Promise<void>;
}

/** Several as one: the first that wants it back is heard; it goes on when all know. */
export function allOf(analyses: readonly StepAnalysis[]): StepAnalysis {
  return {
    async begin(step, slot, signal) {
      const ongoing: OngoingAnalysis[] = [];
      const end = async (): Promise<void> => void (await Promise.allSettled(ongoing.map((one) => one.end())));
      try {
        for (const analysis of analyses) ongoing.push(await analysis.begin(step, slot, signal));
      } catch (error) {
        await end();
        throw error;
      }
      return {
        verdict: async () => joined(await Promise.all(ongoing.map((one) => one.verdict()))),
        end,
      };
    },
  };
}

/** Pure. Nobody asked is a `go`; to leave out steps takes all. */
export function joined(verdicts: readonly (StepVerdict | undefined)[]): StepVerdict | undefined {
  const back = verdicts.find((one): one is Revocation => one?.kind === 'back');
  if (back !== undefined) return back;
  if (verdicts.includes(undefined)) return undefined;
  return verdicts.length > 0 && verdicts.every((one) => one?.kind === 'promote') ? { kind: 'promote' } : { kind: 'go' };
}
