import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutStep, StepVerdict } from '../runtime/index.ts';
import { type AnalysedSlot, allOf, joined, type StepAnalysis } from './analysis.ts';

const BACK: StepVerdict = { kind: 'back', reason: 'twice the errors', blame: 'image' };

test('one that wants it back is heard, whatever the others say or do not know yet', () => {
  assert.deepEqual(joined([]), { kind: 'go' });
  assert.deepEqual(joined([{ kind: 'go' }, undefined, BACK]), BACK);
  assert.equal(joined([{ kind: 'go' }, undefined]), undefined);
  assert.deepEqual(joined([{ kind: 'promote' }, { kind: 'go' }]), { kind: 'go' });
  assert.deepEqual(joined([{ kind: 'promote' }, { kind: 'promote' }]), { kind: 'promote' });
});

test('one that cannot begin ends those that have', async () => {
  let open = 0;
  const fine: StepAnalysis = {
    begin: async () => {
      open += 1;
      const end = async (): Promise<void> => {
        open -= 1;
      };
      return { verdict: async () => undefined, end };
    },
  };
  const broken: StepAnalysis = { begin: () => Promise.reject(new Error('no Prometheus')) };
  const { signal } = new AbortController();
  const both = allOf([fine, broken]);
  await assert.rejects(both.begin({} as RolloutStep, {} as AnalysedSlot, signal), /no Prometheus/);
  assert.equal(open, 0);
});
