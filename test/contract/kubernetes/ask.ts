import assert from 'node:assert/strict';
import { isHeraklitError } from '../../../src/base/index.ts';
import type { RolloutOutcome, RolloutRequest, Workload } from '../../../src/runtime/index.ts';
import type { ImageUnderTest } from '../workload-runtime.ts';
import type { World } from './world.ts';

export const weights = (...weights: readonly number[]) =>
  ({ kind: 'canary', steps: weights.map((weight) => ({ weight })) }) as const;

export const DEADLINE = 20_000;
export const ask = (
  world: World,
  workload: Workload,
  to: ImageUnderTest,
  more: Partial<RolloutRequest>,
): Promise<RolloutOutcome> => world.runtime.rollout({ workload, ...to, deadline: DEADLINE, ...more });

export const kindOf = (outcome: RolloutOutcome, kind: RolloutOutcome['kind'], blame?: string): void => {
  assert.equal(outcome.kind, kind, JSON.stringify(outcome));
  if (blame !== undefined) assert.equal('blame' in outcome ? outcome.blame : '', blame, JSON.stringify(outcome));
};
export const code = (wanted: string) => (error: unknown) =>
  isHeraklitError(error, wanted) || assert.fail(`not ${wanted}: ${String(error)}`);
