import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DecisionContext, FleetState, MissingUpdate, Strategy } from '../plan/index.ts';
import { type AllowedStrategies, chooseStrategy } from './choose.ts';

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
const UPDATE: MissingUpdate = {
  ...{ package: 'openssl', architecture: 'amd64', installed: '1', candidate: '2' },
  ...{ security: true, advisories: [] },
};
const UPSTREAM: FleetState = { ...CHILD, base: undefined, recipe: 'none' };
const DOCKERFILE: FleetState = { ...CHILD, recipe: 'dockerfile' };
const BASE_MOVES: DecisionContext = { reason: 'meta change', baseChanges: true, baseMoved: true };
const UPDATES: DecisionContext = { reason: 'meta change', baseChanges: false, baseMoved: false };
const SOURCE: DecisionContext = { ...UPDATES, reason: 'source change' };
const FILES = { filesOnly: true };
const policy = (...strategies: Strategy[]): AllowedStrategies => ({
  strategies,
  setting: 'policy.strategies',
  ordered: false,
});
const own = (...strategies: Strategy[]): AllowedStrategies => ({
  strategies,
  setting: 'its own strategies',
  ordered: true,
});
/** The strategies in the order they are tried. */
const tried = (...args: Parameters<typeof chooseStrategy>): readonly Strategy[] => {
  const { strategy, alternatives = [] } = chooseStrategy(...args);
  return [strategy, ...alternatives.filter(({ verdict }) => verdict === 'next').map((one) => one.strategy)];
};

test('the cheapest strategy, when all are allowed, and what is tried after it', () => {
  assert.deepEqual(tried(CHILD, BASE_MOVES, FILES), ['rebase', 'compose']);
  assert.deepEqual(tried(CHILD, BASE_MOVES, { filesOnly: false }), ['compose']);
  assert.deepEqual(tried(CHILD, SOURCE, FILES), ['compose']);
  assert.deepEqual(tried(UPSTREAM, BASE_MOVES, undefined), ['patch']);
});

test('an image of a Dockerfile is moved, else patched, else built again', () => {
  const missing = [UPDATE];
  assert.deepEqual(tried({ ...DOCKERFILE, missing }, BASE_MOVES, undefined), ['rebase', 'patch', 'rebuild']);
  assert.deepEqual(tried(DOCKERFILE, BASE_MOVES, undefined), ['rebase', 'rebuild']);
  assert.deepEqual(tried({ ...DOCKERFILE, missing }, UPDATES, undefined), ['patch', 'rebuild']);
  assert.deepEqual(tried({ ...DOCKERFILE, missing, base: undefined }, UPDATES, undefined), ['patch', 'rebuild']);
  assert.deepEqual(tried({ ...DOCKERFILE, missing }, SOURCE, undefined), ['rebuild']);
  assert.deepEqual(tried({ ...DOCKERFILE, digest: undefined }, { ...UPDATES, reason: 'new build' }, undefined), [
    'rebuild',
  ]);
  const described = { ...DOCKERFILE, recipe: 'kiwi', missing } as const;
  assert.deepEqual(tried(described, BASE_MOVES, undefined), ['rebase', 'patch', 'rebuild']);
  assert.deepEqual(tried({ ...described, base: undefined }, UPDATES, undefined), ['patch', 'rebuild']);
});

test('every strategy is spoken of, once, whatever the image and the policy', () => {
  const images = fc.record({
    recipe: fc.constantFrom('compose', 'dockerfile', 'kiwi', 'none'),
    base: fc.constantFrom(undefined, 'base'),
    digest: fc.constantFrom(undefined, DIGEST),
    baseDigest: fc.constantFrom(undefined, DIGEST),
    missing: fc.constantFrom([], [UPDATE]),
  });
  const contexts = fc.record({
    reason: fc.constantFrom('new build', 'source change', 'meta change', 'retrying bad build'),
    baseChanges: fc.boolean(),
    baseMoved: fc.boolean(),
  });
  const all = ['compose', 'patch', 'rebase', 'rebuild'] as const;
  const allowed = fc.option(
    fc.tuple(fc.subarray([...all], { minLength: 1 }), fc.constantFrom(policy, own)).map(([some, of]) => of(...some)),
    { nil: undefined },
  );
  fc.assert(
    fc.property(images, contexts, fc.boolean(), allowed, (image, context, filesOnly, settings) => {
      const {
        strategy,
        alternatives = [],
        excluded,
      } = chooseStrategy({ ...CHILD, ...image }, context, { filesOnly }, settings);
      const named = alternatives.map((one) => one.strategy).concat(strategy === 'none' ? [] : [strategy]);
      assert.deepEqual(named.sort(), [...all]);
      assert.equal(excluded ?? false, strategy === 'none');
      const open = [strategy, ...alternatives.filter(({ verdict }) => verdict === 'next').map((one) => one.strategy)];
      for (const one of open) assert.ok(one === 'none' || settings?.strategies.includes(one) !== false);
      assert.ok(alternatives.every(({ because }) => because.length > 0));
    }),
  );
});

test('an excluded strategy gives way to the next one, and the reason says so', () => {
  const decision = chooseStrategy(CHILD, BASE_MOVES, FILES, policy('compose', 'patch'));
  assert.equal(decision.strategy, 'compose');
  assert.match(decision.because, /; rebase is excluded by policy\.strategies$/);
  assert.deepEqual(
    decision.alternatives?.find(({ strategy }) => strategy === 'rebase'),
    {
      strategy: 'rebase',
      verdict: 'excluded',
      because: 'policy.strategies allows only compose, patch',
    },
  );
  // One that would not have been chosen needs no word.
  assert.doesNotMatch(chooseStrategy(CHILD, BASE_MOVES, FILES, policy('rebase')).because, /excluded/);
});

test('an image’s own list also says in which order', () => {
  const image = { ...DOCKERFILE, missing: [UPDATE] };
  assert.deepEqual(tried(image, BASE_MOVES, undefined, own('rebuild', 'patch')), ['rebuild', 'patch']);
  assert.deepEqual(tried(CHILD, BASE_MOVES, FILES, own('compose', 'rebase')), ['compose', 'rebase']);
});

test('no allowed strategy is an answer, not an error', () => {
  const { strategy, because, excluded } = chooseStrategy(UPSTREAM, BASE_MOVES, undefined, policy('compose', 'rebase'));
  assert.deepEqual([strategy, excluded], ['none', true]);
  assert.equal(because, 'only patch could make it, and policy.strategies allows compose, rebase');
  assert.match(chooseStrategy(CHILD, BASE_MOVES, FILES, policy('rebuild')).because, /only rebase or compose could/);
});
