import { setTimeout as sleep } from 'node:timers/promises';
import { HeraklitError } from './errors.ts';

export interface RetryOptions {
  /** Calls in all, the first included. */
  readonly attempts: number;
  /** Milliseconds before the second call; doubles each time, with up to half of it as jitter. */
  readonly delay: number;
  /** Longest wait in ms that an error may ask for; one that asks for more passes through. A minute by default. */
  readonly longest?: number;
  readonly signal?: AbortSignal;
}

const LONGEST_WAIT = 60_000;

export const DEFAULT_RETRY: RetryOptions = { attempts: 3, delay: 200 };

/**
 * Repeats a call whose error says `retryable`; any other error, and the last one, passes through. An error's
 * `details.retryAfter`, in seconds, is waited for at least.
 */
export async function retry<T>(
  call: (attempt: number) => Promise<T>,
  options: RetryOptions = DEFAULT_RETRY,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(attempt);
    } catch (error) {
      const again = error instanceof HeraklitError && error.retryable && attempt < options.attempts;
      if (!again) throw error;
      const asked = secondsAsked(error) * 1_000;
      if (asked > (options.longest ?? LONGEST_WAIT)) throw error;
      const wait = Math.max(options.delay * 2 ** (attempt - 1), asked);
      await sleep(wait + Math.random() * (wait / 2), undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

function secondsAsked({ details }: HeraklitError): number {
  return typeof details.retryAfter === 'number' ? details.retryAfter : 0;
}
