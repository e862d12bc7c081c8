import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RolloutPlan } from '../plan/plan.ts';
import { type CampaignFacts, nextMove } from './next-move.ts';
import { type CampaignState, type Hold, hasEnded, mayFollow, type OperatorAction, operate, STATES } from './state.ts';

const HOLDS: readonly (Hold | undefined)[] = [
  'window',
  'approval',
  'soak',
  'retry',
  'away',
  'elsewhere',
  'merge',
  'step',
  'operator',
  undefined,
];
const ACTIONS: readonly OperatorAction[] = ['pause', 'resume', 'abort'];
const anyState = fc.constantFrom<CampaignState>(...STATES);
const anyHold = fc.constantFrom(...HOLDS);

test('what an operator says leads only where a rollout may go; an abort is never refused while it goes on', () => {
  fc.assert(
    fc.property(anyState, anyHold, fc.constantFrom(...ACTIONS), (state, hold, action) => {
      const operated = operate(state, hold, action);
      if (operated.kind === 'becomes') assert.ok(mayFollow(state, operated.state));
      assert.equal(hasEnded(state) ? operated.kind : 'refused', 'refused');
      if (action === 'abort' && !hasEnded(state)) assert.notEqual(operated.kind, 'refused');
    }),
  );
});

test('nothing follows an end, and an end is reached from everywhere else', () => {
  for (const state of STATES) {
    for (const next of STATES) if (hasEnded(state)) assert.equal(mayFollow(state, next), false);
    if (!hasEnded(state)) assert.ok(mayFollow(state, 'rolledback') && mayFollow(state, 'failed'));
  }
});

const stage = (index: number, soak: number, approval: boolean): RolloutPlan['stages'][number] => ({
  ...{ name: `stage ${index}`, soak, approval, batch: 1, windows: [] },
});
const anyPlan = fc
  .array(fc.tuple(fc.constantFrom(0, 60), fc.boolean()), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map(([soak, approval], index) => stage(index, soak, approval)));

/** What carrying on does with a move, without any runtime: the slots of a stage come through at once. */
function apply(facts: CampaignFacts, now: number): CampaignFacts {
  const move = nextMove(facts, now);
  switch (move.kind) {
    case 'stop':
      return facts;
    case 'end':
      return { ...facts, state: move.state };
    case 'wait':
      return { ...facts, state: 'waiting', hold: move.hold, until: move.until };
    case 'advance':
      return { ...facts, stage: facts.stage + 1, stageDone: undefined, hold: undefined };
    case 'roll':
      return {
        ...facts,
        state: facts.state === 'waiting' ? 'running' : facts.state,
        hold: undefined,
        openSlots: 0,
        stageDone: now,
      };
    case 'undo':
      return { ...facts, openSlots: 0 };
  }
}

test('whatever people say in between, a rollout that gets its approvals ends, and every step of it is allowed', () => {
  const said = fc.array(fc.oneof(fc.constantFrom(...ACTIONS), fc.constantFrom('approve' as const, 'look' as const)), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(anyPlan, said, fc.nat(1), (stages, words, openSlots) => {
      const plan = { stages, settings: { deadline: 1 }, approvers: [], zones: [] };
      const digest = `sha256:${'1'.repeat(64)}` as const;
      let facts: CampaignFacts = {
        ...{
          state: 'waiting',
          hold: undefined,
          reason: '',
          digest,
          plan,
          stage: 0,
          stageDone: undefined,
          anyTime: false,
        },
        ...{
          until: undefined,
          openSlots,
          setback: undefined,
          approvedBy: new Map(),
          quarantined: undefined,
          newer: undefined,
        },
      };
      let now = 0;
      const step = (next: CampaignFacts): void => {
        assert.ok(next.state === facts.state || mayFollow(facts.state, next.state), `${facts.state} → ${next.state}`);
        facts = next;
      };
      const approveAll = (): void =>
        step({ ...facts, approvedBy: new Map(stages.map(({ name }) => [name, ['alice']])) });
      for (const word of words) {
        now += 7;
        if (word === 'approve') approveAll();
        else if (word === 'look') step(apply(facts, now));
        else {
          const operated = operate(facts.state, facts.hold, word);
          if (operated.kind === 'becomes') step({ ...facts, state: operated.state, hold: operated.hold });
        }
      }
      approveAll();
      if (facts.state === 'paused') step({ ...facts, state: 'running', hold: undefined });
      for (let looks = 0; !hasEnded(facts.state) && looks < 50; looks += 1) {
        now += 60;
        step(apply(facts, now));
      }
      assert.ok(facts.state === 'rolledout' || facts.state === 'rolledback', facts.state);
    }),
  );
});
