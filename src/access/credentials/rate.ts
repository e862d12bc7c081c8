import { accessError } from '../errors.ts';

export interface RateOptions {
  /** Requests per second in the long run. */
  readonly perSecond: number;
  /** Requests at once after a pause. */
  readonly burst: number;
}

/** Takes one request of `who`. @throws ACCESS_RATE_LIMITED with `details.retryAfter` in seconds */
export type RateLimiter = (who: string) => void;

/** Callers remembered at once; above it, the ones unused longest are forgotten, which lets them begin anew. */
const MAX_CALLERS = 100_000;

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * A token bucket for each caller, in memory of this process.
 * @param now milliseconds of a clock that never goes back
 */
export function rateLimiter(options: RateOptions, now: () => number = () => performance.now()): RateLimiter {
  const buckets = new Map<string, Bucket>();
  return (who) => {
    const time = now();
    let bucket = buckets.get(who);
    if (bucket === undefined) {
      if (buckets.size >= MAX_CALLERS) buckets.delete(buckets.keys().next().value as string);
      bucket = { tokens: options.burst, at: time };
      buckets.set(who, bucket);
    }
    bucket.tokens = Math.min(options.burst, bucket.tokens + ((time - bucket.at) / 1_000) * options.perSecond);
    bucket.at = time;
    if (bucket.tokens < 1) {
      const retryAfter = Math.max(1, Math.ceil((1 - bucket.tokens) / options.perSecond));
      throw accessError('ACCESS_RATE_LIMITED', `more than ${options.perSecond} requests a second`, {
        hint: `Try again in ${retryAfter} s.`,
        details: { retryAfter },
      });
    }
    bucket.tokens -= 1;
  };
}
