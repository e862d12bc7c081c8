import type { RolloutBlame, RolloutControl } from '../strategy.ts';

/** Milliseconds between two questions whether a rollout is to be taken back. */
const ASK_EVERY = 1000;

/** Why copies do not come up any further, by somebody's wish. */
export interface Stop {
  readonly reason: string;
  readonly blame: RolloutBlame;
}

/** Asked in every round of a wait; it asks the control only once a second, however many copies wait. */
export type Watch = () => Promise<Stop | undefined>;

export function watchOf(control: RolloutControl | undefined): Watch {
  if (control === undefined) return async () => undefined;
  let asked = 0;
  let answer: Stop | undefined;
  return async () => {
    if (answer !== undefined || Date.now() - asked < ASK_EVERY) return answer;
    asked = Date.now();
    answer = await control.revoked();
    return answer;
  };
}
