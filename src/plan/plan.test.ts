import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Digest } from '../oci/index.ts';
import { type Decide, type FleetState, type MissingUpdate, planFleet } from './index.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const decide: Decide = (_, { baseChanges }) =>
  baseChanges ? { strategy: 'rebase', because: 'base moves' } : { strategy: 'compose', because: 'has a recipe' };
const update: MissingUpdate = {
  package: 'openssl',
  architecture: 'amd64',
  installed: '1',
  candidate: '2',
  security: true,
  advisories: ['CVE-2026-1'],
};
const image = (name: string, base?: string, change: Partial<FleetState> = {}): FleetState => ({
  name,
  base,
  recipe: 'compose',
  recipeDigest: 'r',
  builtFrom: 'r',
  digest: digest('a'),
  baseDigest: base === undefined ? undefined : digest('a'),
  missing: [],
  state: 'enabled',
  tried: undefined,
  ...change,
});

test('nothing to do is an empty plan', () => {
  assert.deepEqual(planFleet([image('base'), image('app', 'base')], decide), { tasks: [], levels: [] });
});

test('children of an affected base are tasks without findings of their own; others are left out', () => {
  const fleet = [
    image('app', 'runtime'),
    image('runtime', 'base'),
    image('base', undefined, { missing: [update] }),
    image('other'),
  ];
  const plan = planFleet(fleet, decide);
  assert.deepEqual(plan.levels, [['base'], ['runtime'], ['app']]);
  assert.deepEqual(
    plan.tasks.map(({ image: name, status, reason, strategy, after }) => ({ name, status, reason, strategy, after })),
    [
      { name: 'base', status: 'scheduled', reason: 'meta change', strategy: 'compose', after: [] },
      { name: 'runtime', status: 'blocked', reason: 'meta change', strategy: 'rebase', after: ['base'] },
      { name: 'app', status: 'blocked', reason: 'meta change', strategy: 'rebase', after: ['runtime'] },
    ],
  );
  assert.equal(plan.tasks[0]?.because, 'it misses 1 update (1 security): openssl 2; compose: has a recipe');
});

test('reasons', () => {
  const reasonOf = (change: Partial<FleetState>) =>
    planFleet([image('base'), image('x', 'base', change)], decide, { retryFailed: true }).tasks[0]?.reason;
  assert.equal(reasonOf({ digest: undefined }), 'new build');
  assert.equal(reasonOf({ recipeDigest: 'other' }), 'source change');
  assert.equal(reasonOf({ missing: [update] }), 'meta change');
  assert.equal(reasonOf({ baseDigest: digest('b') }), 'meta change');
  assert.equal(reasonOf({ missing: [update], tried: 'failed' }), 'retrying bad build');
  assert.equal(reasonOf({ tried: 'failed' }), undefined);
  // An image somebody else builds is taken over when it is new to the fleet.
  assert.equal(reasonOf({ digest: undefined, recipe: 'none' }), 'new build');
});

test('what failed is not built again with the same input, unless asked or its base is made again', () => {
  const failed = image('x', 'base', { missing: [update], tried: 'failed' });
  assert.deepEqual(planFleet([image('base'), failed], decide).tasks, []);
  assert.equal(planFleet([image('base'), failed], decide, { retryFailed: true }).tasks.length, 1);
  assert.equal(planFleet([image('base', undefined, { missing: [update] }), failed], decide).tasks.length, 2);
});

test('what a build left unchanged is left alone until its input changes', () => {
  const same = image('x', 'base', { missing: [update], tried: 'unchanged' });
  assert.deepEqual(planFleet([image('base'), same], decide, { retryFailed: true }).tasks, []);
  assert.equal(planFleet([image('base', undefined, { missing: [update] }), same], decide).tasks.length, 2);
});

test('disabled and locked images are shown and hold nobody up', () => {
  const fleet = [
    image('base', undefined, { missing: [update], state: 'locked' }),
    image('app', 'base', { missing: [update] }),
  ];
  assert.deepEqual(
    planFleet(fleet, decide).tasks.map(({ image: name, status, level }) => [name, status, level]),
    [
      ['app', 'scheduled', 0],
      ['base', 'locked', 0],
    ],
  );
});

test('a circle, a double name and an unknown base are refused by name', () => {
  const circle = [image('a', 'c'), image('b', 'a'), image('c', 'b'), image('tail', 'c')];
  assert.throws(() => planFleet(circle, decide), { code: 'PLAN_CYCLE', message: /a → c → b → a/ });
  assert.throws(() => planFleet([image('a', 'a')], decide), { code: 'PLAN_CYCLE' });
  assert.throws(() => planFleet([image('a'), image('a')], decide), { code: 'PLAN_DUPLICATE' });
  assert.throws(() => planFleet([image('a', 'gone')], decide), { code: 'PLAN_BASE_UNKNOWN', message: /gone/ });
});

test('any forest: bases first, every affected descendant once, order of input irrelevant', () => {
  const forest = fc
    .array(fc.record({ parent: fc.nat(), missing: fc.boolean() }), { minLength: 1, maxLength: 60 })
    .map((nodes) =>
      nodes.map(({ parent, missing }, index) => {
        const base = index === 0 || parent % 4 === 0 ? undefined : `i${parent % index}`;
        return image(`i${index}`, base, { missing: missing ? [update] : [] });
      }),
    );
  fc.assert(
    fc.property(forest, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (fleet, order) => {
      const plan = planFleet(fleet, decide);
      const byName = new Map(fleet.map((one) => [one.name, one]));
      const affected = (one: FleetState): boolean =>
        one.missing.length > 0 || (one.base !== undefined && affected(byName.get(one.base) as FleetState));
      assert.deepEqual(
        plan.tasks.map((task) => task.image).sort(),
        fleet
          .filter(affected)
          .map((one) => one.name)
          .sort(),
      );
      const seen = new Set<string>();
      for (const task of plan.tasks) {
        for (const before of task.after) assert.ok(seen.has(before));
        seen.add(task.image);
      }
      const keyed = fleet.map((one) => ({ one, key: order.next().value as number }));
      const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ one }) => one);
      assert.deepEqual(planFleet(shuffled, decide), plan);
    }),
  );
});

test('a hundred thousand images in a chain and a star are planned', () => {
  const star = Array.from({ length: 50_000 }, (_, index) => image(`s${index}`, index === 0 ? undefined : 's0'));
  const chain = Array.from({ length: 50_000 }, (_, index) =>
    image(`c${index}`, index === 0 ? undefined : `c${index - 1}`),
  );
  const fleet = [...star, ...chain].map((one) => (one.base === undefined ? { ...one, missing: [update] } : one));
  assert.equal(planFleet(fleet, decide).tasks.length, 100_000);
});

test('an image that no allowed strategy can make is a problem with a code; others, and its children, go on without it', () => {
  const decideNone: Decide = (one, context) =>
    one.name === 'base'
      ? { strategy: 'none', because: 'only patch could make it', excluded: true }
      : decide(one, context);
  const fleet = [
    image('base', undefined, { missing: [update] }),
    image('app', 'base'),
    image('busy', 'base', { missing: [update] }),
  ];
  const { tasks } = planFleet(fleet, decideNone);
  assert.deepEqual(
    tasks.map((task) => [task.image, task.status, task.problem?.code]),
    [
      ['base', 'excluded', 'PLAN_STRATEGY_EXCLUDED'],
      ['busy', 'scheduled', undefined],
    ],
  );
  assert.match(tasks[0]?.problem?.message ?? '', /^base: it misses 1 update .*only patch could make it$/);
  // What is locked is not built anyway.
  const locked = planFleet([image('base', undefined, { missing: [update], state: 'locked' })], decideNone);
  assert.deepEqual([locked.tasks[0]?.status, locked.tasks[0]?.problem], ['locked', undefined]);
});
