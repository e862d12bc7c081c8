import type { CanaryStep, RolloutSide, StepVerdict } from '../strategy.ts';
import type { Follower } from './follower.ts';
import { type Run, saveClaim, type Verdict } from './run.ts';
import { podsWith } from './status.ts';
import { awaitHealth, podsOf, type Wait } from './wait.ts';

/** A holder that only waits says less often that it lives. */
const PATIENT = 6;

export interface Held {
  readonly index: number;
  readonly count: number;
  readonly weight: number;
  readonly pause?: CanaryStep['pause'];
  readonly from: string;
  /** Label selectors of the two sides. */
  readonly before: string;
  readonly after: string;
}

async function side(run: Run, image: string, selector: string): Promise<RolloutSide> {
  const pods = podsWith(await podsOf(run, selector), run.container, image);
  return { image, selector, members: pods.map(({ metadata }) => metadata.name) };
}

/**
 * Stays at a step for as long as the control wants, with an eye on the copies: what becomes of them meanwhile ends the stay.
 * A call that ends here by its signal leaves everything as it is, for the next one.
 */
export async function holdStep(
  run: Run,
  follower: Follower,
  held: Held,
  wait: Omit<Wait, 'hold'>,
): Promise<Exclude<StepVerdict, { kind: 'back' }> | Exclude<Verdict, { kind: 'healthy' }>> {
  const { control } = run.request;
  if (control === undefined) return { kind: 'go' };
  const { index, count, weight, pause, from } = held;
  const step = { index, count, weight, ...(pause === undefined ? {} : { pause }) };
  const [before, after] = [await side(run, from, held.before), await side(run, run.request.image, held.after)];
  await saveClaim(run, { every: run.pace.renew * PATIENT });
  const ended = new AbortController();
  const signal = run.signal === undefined ? ended.signal : AbortSignal.any([run.signal, ended.signal]);
  const asked = control.stepReached({ ...step, before, after }, signal);
  const watched = awaitHealth(run, follower, { ...wait, hold: ended.signal });
  // The loser of the race ends by the signal, which is no failure.
  asked.catch(() => {});
  watched.catch(() => {});
  try {
    const first = await Promise.race([asked, watched]);
    if (first.kind === 'back') return { kind: 'failed', reason: first.reason, blame: first.blame };
    return first.kind === 'healthy' ? { kind: 'go' } : first;
  } finally {
    ended.abort();
    // Both write to the claim: one at a time.
    await watched.catch(() => {});
    run.claim = { ...run.claim, every: run.pace.renew };
  }
}
