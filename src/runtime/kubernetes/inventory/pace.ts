/** Milliseconds, `watch` apart. */
export interface WatchPace {
  /** First wait after a failure; it doubles with each further one. */
  readonly retry: number;
  readonly longest: number;
  /** A watch that ends sooner and without a word counts as failed. */
  readonly quick: number;
  /** Before a resource is asked for again that is not served. */
  readonly absent: number;
  /** Before one is asked for again that we may not read. */
  readonly refused: number;
  /** For which changes are gathered before they are told. */
  readonly gather: number;
  /** Seconds after which the server is to end a watch: between this and twice as long. */
  readonly watch: number;
}

export const WATCH_PACE: WatchPace = {
  retry: 500,
  longest: 60_000,
  quick: 2_000,
  absent: 600_000,
  refused: 60_000,
  gather: 500,
  watch: 300,
};

/** Milliseconds before the next try; anything from half to one and a half times the step, so that clients spread. */
export function backOff({ retry, longest }: WatchPace, failures: number, random = Math.random()): number {
  return Math.min(longest, retry * 2 ** Math.max(0, failures - 1)) * (0.5 + random);
}
