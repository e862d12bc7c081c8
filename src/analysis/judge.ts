import type { Reading } from './reading.ts';
import type { Comparison, MetricChecks } from './settings.ts';

/** What one measurement of one metric says. */
export interface Judgement {
  readonly outcome: 'good' | 'bad' | 'inconclusive';
  /** In words, with the numbers. */
  readonly detail: string;
}

/** Four significant digits: for people. */
export const formatNumber = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(4))) : String(value);

/** The last value that is still no worse than the old side's, given what is put up with. */
export function limitOf({ worse = 'higher', factor, difference }: Comparison, before: number): number {
  const limits = [
    ...(factor === undefined ? [] : [before * factor]),
    ...(difference === undefined ? [] : [worse === 'higher' ? before + difference : before - difference]),
  ];
  // Worse by the factor alone may be two errors instead of one; by the difference alone, one in a million.
  return worse === 'higher' ? Math.max(...limits) : Math.min(...limits);
}

function compared(comparison: Comparison, after: number, before: Reading): Judgement {
  if (before.kind === 'none') return { outcome: 'inconclusive', detail: `nothing to compare with: ${before.reason}` };
  const limit = limitOf(comparison, before.value);
  const text = `${formatNumber(after)}, ${formatNumber(before.value)} on the old side`;
  // Infinity times nothing.
  if (Number.isNaN(limit)) return { outcome: 'inconclusive', detail: `${text}: not comparable` };
  const higher = (comparison.worse ?? 'higher') === 'higher';
  const bad = higher ? after > limit : after < limit;
  return {
    outcome: bad ? 'bad' : 'good',
    detail: bad ? `${text}, ${higher ? 'above' : 'below'} ${formatNumber(limit)}` : text,
  };
}

/**
 * Judges a measurement.
 * @param before undefined where no old side runs any more, or nothing is compared: then only the limits count
 */
export function judge(checks: MetricChecks, after: Reading, before: Reading | undefined): Judgement {
  if (after.kind === 'none') return { outcome: 'inconclusive', detail: after.reason };
  const { value } = after;
  const text = formatNumber(value);
  if (checks.max !== undefined && value > checks.max) return { outcome: 'bad', detail: `${text}, above ${checks.max}` };
  if (checks.min !== undefined && value < checks.min) return { outcome: 'bad', detail: `${text}, below ${checks.min}` };
  if (checks.compare !== undefined && before !== undefined) return compared(checks.compare, value, before);
  return { outcome: 'good', detail: text };
}
