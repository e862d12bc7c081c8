import { isHeraklitError, messageOf } from '../base/index.ts';
import type { StepVerdict } from '../runtime/index.ts';
import { type Gauge, type GaugeContext, gaugeOf, type Subject } from './gauge.ts';
import { type Judgement, judge } from './judge.ts';
import { none, type Reading } from './reading.ts';
import type { AnalysisMetric, AnalysisSettings } from './settings.ts';
import { counted, emptyTally, limitsOf, type Tally, verdictOf } from './tally.ts';

/** One measurement, as it is kept. */
export interface Measurement extends Judgement {
  readonly metric: string;
  readonly at: Date;
  readonly after: Reading;
  /** Where the old side was measured, too. */
  readonly before: Reading | undefined;
}

export interface AnalyserOptions extends GaugeContext {
  /** Ends early when the signal is aborted. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export interface AnalysisRun {
  readonly subject: Subject;
  /** Measurements of this step by a process that died. */
  readonly past: readonly Pick<Measurement, 'metric' | 'outcome' | 'detail'>[];
  /** Called for each round, before its verdict counts. */
  readonly record: (measurements: readonly Measurement[]) => Promise<void>;
  readonly signal: AbortSignal;
}

/** The health of a step by numbers. */
export interface Analyser {
  /** Until there is a verdict; rejects only where `record` does or the signal ends it. */
  analyse(run: AnalysisRun): Promise<StepVerdict>;
}

const SECOND = 1_000;

/** @throws ANALYSIS_TEMPLATE_INVALID, ANALYSIS_EXPRESSION_INVALID */
export function createAnalyser(settings: AnalysisSettings, options: AnalyserOptions): Analyser {
  const limits = limitsOf(settings);
  const metrics = settings.metrics.map((metric) => ({ metric, gauge: gaugeOf(metric, options) }));
  return {
    async analyse(run) {
      let tallies = metrics.map(({ metric }) => talliedPast(metric.name, run.past));
      const begun = options.now();
      await options.wait(Math.max(0, run.subject.since + limits.warmup * SECOND - begun), run.signal);
      for (;;) {
        const before = verdictOf(tallies, limits);
        if (before !== undefined) return before;
        const round = await Promise.all(metrics.map(({ metric, gauge }) => measure(metric, gauge, run, options.now)));
        run.signal.throwIfAborted();
        await run.record(round);
        tallies = tallies.map((tally, index) => counted(tally, round[index] as Measurement));
        const verdict = verdictOf(tallies, limits);
        if (verdict !== undefined) return verdict;
        await options.wait(limits.interval * SECOND, run.signal);
      }
    },
  };
}

const talliedPast = (name: string, past: AnalysisRun['past']): Tally =>
  past.filter(({ metric }) => metric === name).reduce(counted, emptyTally(name));

/** Reads a metric of the new side, and of the old one where they are compared and it still runs. */
async function measure(
  metric: AnalysisMetric,
  gauge: Gauge,
  { subject, signal }: AnalysisRun,
  now: () => number,
): Promise<Measurement> {
  const read = async (side: 'before' | 'after'): Promise<Reading> => {
    try {
      return await gauge(subject, side, signal);
    } catch (error) {
      signal.throwIfAborted();
      // A cluster or an engine that does not answer says nothing of the image.
      return none(isHeraklitError(error) ? `${error.code}: ${error.message}` : messageOf(error));
    }
  };
  const both = metric.compare !== undefined && subject.before.members.length > 0;
  const [after, before] = await Promise.all([read('after'), both ? read('before') : undefined]);
  return { metric: metric.name, at: new Date(now()), after, before, ...judge(metric, after, before) };
}
