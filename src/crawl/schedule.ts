/** Seconds. */
export interface Pace {
  /** Between the beginnings of two crawls of a source that answers. */
  readonly interval: number;
}

/** Seconds after the first failure; doubles with each further one. */
const FIRST_WAIT = 60;
/** A source that is away is asked less and less, but this often in any case. */
const LONGEST_WAIT = 6 * 3_600;

/**
 * Seconds until a source is crawled again. A tenth more or less, so that servers and sources do not keep step.
 * @param failures in a row; 0 after a success
 * @param random 0…1
 */
export function waitAfter({ interval }: Pace, failures: number, random: number): number {
  const jitter = 0.9 + random * 0.2;
  if (failures === 0) return interval * jitter;
  // One that is crawled often is not asked more often for being away.
  const wait = Math.min(Math.max(LONGEST_WAIT, interval), FIRST_WAIT * 2 ** Math.min(failures - 1, 20));
  return Math.max(Math.min(interval, FIRST_WAIT), wait) * jitter;
}
