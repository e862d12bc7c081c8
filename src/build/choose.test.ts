import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionContext, FleetState } from '../plan/index.ts';
import { chooseStrategy } from './choose.ts';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const CHILD: FleetState = {
  name: 'app',
  base: 'base',
  recipe: 'compose',
  recipeDigest: 'r',
  builtFrom: 'r',
  digest: DIGEST,
  baseDigest: DIGEST,
  missing: [],
  state: 'enabled',
  tried: undefined,
};
const UPSTREAM: FleetState = { ...CHILD, base: undefined, recipe: 'none' };
const BASE_MOVES: DecisionContext = { reason: 'meta change', baseChanges: true };
const FILES = { filesOnly: true };

test('the cheapest strategy, when all are allowed', () => {
  assert.equal(chooseStrategy(CHILD, BASE_MOVES, FILES).strategy, 'rebase');
  assert.equal(chooseStrategy(CHILD, BASE_MOVES, { filesOnly: false }).strategy, 'compose');
  assert.equal(chooseStrategy(CHILD, { ...BASE_MOVES, reason: 'source change' }, FILES).strategy, 'compose');
  assert.equal(chooseStrategy(UPSTREAM, BASE_MOVES, undefined).strategy, 'patch');
});

test('an excluded strategy gives way to the next one, and the reason says so', () => {
  const decision = chooseStrategy(CHILD, BASE_MOVES, FILES, ['compose', 'patch']);
  assert.equal(decision.strategy, 'compose');
  assert.match(decision.because, /; rebase is excluded by policy\.strategies$/);
  // One that would not have been chosen needs no word.
  assert.doesNotMatch(chooseStrategy(CHILD, BASE_MOVES, FILES, ['rebase']).because, /excluded/);
});

test('no allowed strategy is an answer, not an error', () => {
  assert.deepEqual(chooseStrategy(UPSTREAM, BASE_MOVES, undefined, ['compose', 'rebase']), {
    strategy: 'none',
    because: 'only patch could make it, and policy.strategies allows compose, rebase',
    excluded: true,
  });
  assert.match(chooseStrategy(CHILD, BASE_MOVES, FILES, ['rebuild']).because, /only rebase or compose could/);
});
