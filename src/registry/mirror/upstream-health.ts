import { type Clock, type HeraklitError, isHeraklitError } from '../../base/index.ts';

/** Milliseconds without asking after the first failure; doubles with each further one. */
const FIRST_PAUSE = 5_000;
const LONGEST_PAUSE = 300_000;
/** Upstream may ask for more patience than `LONGEST_PAUSE`, up to this: Docker Hub counts in six hours. */
const LONGEST_ASKED = 6 * 3_600_000;

export type Asked<Value> =
  | { readonly kind: 'answer'; readonly value: Value }
  | { readonly kind: 'unavailable'; readonly error: HeraklitError };

/** Whether a registry upstream can be asked now: one that fails, or asks to slow down, is left in peace for a while. */
export interface UpstreamHealth {
  /** Errors that are answers (no such manifest, no access) pass through. */
  ask<Value>(call: () => Promise<Value>): Promise<Asked<Value>>;
}

const FAILURES = [
  'REGISTRY_UNREACHABLE',
  'REGISTRY_UNAVAILABLE',
  'REGISTRY_TOOMANYREQUESTS',
  'REGISTRY_ANSWER_INVALID',
];

export function createUpstreamHealth(clock: Clock): UpstreamHealth {
  let failed: { readonly error: HeraklitError; readonly until: number; readonly pause: number } | undefined;
  return {
    async ask(call) {
      if (failed !== undefined && clock.now() < failed.until) return { kind: 'unavailable', error: failed.error };
      try {
        const value = await call();
        failed = undefined;
        return { kind: 'answer', value };
      } catch (error) {
        if (!isHeraklitError(error, ...FAILURES)) throw error;
        const pause = failed === undefined ? FIRST_PAUSE : Math.min(failed.pause * 2, LONGEST_PAUSE);
        failed = { error, pause, until: clock.now() + Math.max(pause, askedPause(error)) };
        return { kind: 'unavailable', error };
      }
    },
  };
}

/** What Retry-After said (RFC 9110, 10.2.3), in milliseconds. */
function askedPause({ details }: HeraklitError): number {
  const { retryAfter } = details;
  return typeof retryAfter === 'number' && retryAfter > 0 ? Math.min(retryAfter * 1_000, LONGEST_ASKED) : 0;
}
