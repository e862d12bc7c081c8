import type { StepVerdict } from '../runtime/index.ts';
import type { Judgement } from './judge.ts';
import type { AnalysisSettings } from './settings.ts';

/** What the measurements of one metric said so far. */
export interface Tally {
  readonly name: string;
  readonly good: number;
  readonly bad: number;
  readonly inconclusive: number;
  /** Of the last measurement, and of the last that was not good. */
  readonly last: string;
  readonly lastTrouble: string;
}

export type Limits = Required<
  Pick<AnalysisSettings, 'warmup' | 'interval' | 'count' | 'failureLimit' | 'inconclusiveLimit' | 'onInconclusive'>
>;

const DEFAULTS: Limits = {
  warmup: 10,
  interval: 30,
  count: 5,
  failureLimit: 1,
  inconclusiveLimit: 5,
  onInconclusive: 'back',
};

export const limitsOf = (settings: AnalysisSettings): Limits => ({
  warmup: settings.warmup ?? DEFAULTS.warmup,
  interval: settings.interval ?? DEFAULTS.interval,
  count: settings.count ?? DEFAULTS.count,
  failureLimit: settings.failureLimit ?? DEFAULTS.failureLimit,
  inconclusiveLimit: settings.inconclusiveLimit ?? DEFAULTS.inconclusiveLimit,
  onInconclusive: settings.onInconclusive ?? DEFAULTS.onInconclusive,
});

export const emptyTally = (name: string): Tally => ({
  ...{ name, good: 0, bad: 0, inconclusive: 0 },
  ...{ last: '', lastTrouble: '' },
});

export const counted = (tally: Tally, { outcome, detail }: Judgement): Tally => ({
  ...tally,
  [outcome]: tally[outcome] + 1,
  last: detail,
  lastTrouble: outcome === 'good' ? tally.lastTrouble : detail,
});

/** What all metrics together say: undefined while more has to be measured. One that is bad outweighs all others. */
export function verdictOf(tallies: readonly Tally[], limits: Limits): StepVerdict | undefined {
  const bad = tallies.find((tally) => tally.bad > limits.failureLimit);
  if (bad !== undefined) {
    const measured = bad.good + bad.bad;
    const reason = `${bad.name}: ${bad.lastTrouble} (${bad.bad} of ${measured} measurements were bad)`;
    return { kind: 'back', reason, blame: 'image' };
  }
  const silent = tallies.filter((tally) => tally.inconclusive > limits.inconclusiveLimit);
  const [first] = silent;
  if (first !== undefined && limits.onInconclusive === 'back') {
    const reason = `${first.name}: ${first.inconclusive} measurements without an answer: ${first.lastTrouble}`;
    return { kind: 'back', reason, blame: 'environment' };
  }
  const open = tallies.filter((tally) => tally.good + tally.bad < limits.count);
  const waived = limits.onInconclusive === 'go' && open.every((tally) => silent.includes(tally));
  return open.length === 0 || waived ? { kind: 'go' } : undefined;
}
