import type { FleetRolloutWindow } from '../../recipe/index.ts';
import { windowState } from '../plan/windows.ts';

/** Whether a workload may be renewed now, and how long it then is until it may be again. Times in milliseconds. */
export type Chance =
  | { readonly kind: 'now' /** Until the next one. */; readonly lead: number }
  | { readonly kind: 'later' /** Since the epoch; undefined: never. */; readonly opens: number | undefined };

/**
 * Where windows close before the next look, the next chance is the first look after they open again: what would be over
 * its promise by then is renewed in this one. Pure.
 * @param lead until the next look
 */
export function chanceOf(windows: readonly FleetRolloutWindow[], now: number, lead: number): Chance {
  const state = windowState(windows, now);
  if (!state.open) return { kind: 'later', opens: state.opens };
  if (state.until > now + lead) return { kind: 'now', lead };
  const after = windowState(windows, state.until);
  if (after.open) return { kind: 'now', lead };
  return { kind: 'now', lead: after.opens === undefined ? Number.POSITIVE_INFINITY : after.opens - now + lead };
}
