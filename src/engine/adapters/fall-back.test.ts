import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeraklitError, isHeraklitError } from '../../base/index.ts';
import type { BuiltImage, Strategy } from '../../build/index.ts';
import type { Alternative } from '../../plan/index.ts';
import type { BuildRequest } from '../ports.ts';
import { alternativesAfter } from '../task.ts';
import { type Attempt, made, makeInOrder, refusing } from './fall-back.ts';

const next = (strategy: Strategy): Alternative => ({ strategy, verdict: 'next', because: 'it may do' });
const request = (strategy: Strategy, ...alternatives: readonly Alternative[]): BuildRequest => ({
  image: {
    ...{ image: 'app', repository: 'app', tag: 'latest', base: 'base' },
    ...{ recipe: 'dockerfile', recipeDigest: 'r', state: 'enabled' },
  },
  ...{ strategy, alternatives, previous: undefined, baseDigest: undefined, previousBaseDigest: undefined },
});
const builtBy = (strategy: Strategy): BuiltImage => ({ strategy, reason: `by ${strategy}` }) as BuiltImage;
const error = (code: string): HeraklitError =>
  new HeraklitError(code, { kind: 'failed', retryable: false, meaning: '' }, `${code} of app`);
const refusal = (code: string): Attempt => ({ kind: 'refused', because: `${code} of app`, error: error(code) });

test('a strategy that refuses gives way to the next, and both are told of', async () => {
  const order: Strategy[] = [];
  const asked = request(
    'rebase',
    next('patch'),
    { strategy: 'compose', verdict: 'unfit', because: 'no list' },
    next('rebuild'),
  );
  const built = await makeInOrder(asked, async (strategy) => {
    order.push(strategy);
    return strategy === 'rebuild' ? made(builtBy(strategy)) : refusal(`${strategy.toUpperCase()}_REFUSED`);
  });
  assert.deepEqual(order, ['rebase', 'patch', 'rebuild']);
  assert.equal(built.reason, 'by rebuild; not rebased: REBASE_REFUSED of app; not patched: PATCH_REFUSED of app');
  const alternatives = JSON.stringify(asked.alternatives);
  assert.deepEqual(
    JSON.parse(alternativesAfter({ alternatives }, built.passedOver, built.strategy) ?? '').map(
      (one: Alternative) => `${one.strategy} ${one.verdict}`,
    ),
    ['rebase refused', 'patch refused', 'compose unfit'],
  );
  // Nothing refused: what was planned stays as it was.
  assert.equal(alternativesAfter({ alternatives }, undefined, 'rebase'), alternatives);
});

test('the first that works ends it', async () => {
  const built = await makeInOrder(request('patch', next('rebuild')), async (strategy) => made(builtBy(strategy)));
  assert.deepEqual([built.strategy, built.reason, built.passedOver], ['patch', 'by patch', undefined]);
});

test('an error that is no refusal ends it', async () => {
  const attempt = () => refusing(/^PATCH_/, () => Promise.reject(error('DISK_FULL')));
  await assert.rejects(makeInOrder(request('patch', next('rebuild')), attempt), (thrown) =>
    isHeraklitError(thrown, 'DISK_FULL'),
  );
});

test('with none left, the last refusal is the error; with one excluded, that is', async () => {
  const attempt = () => refusing(/^PATCH_/, () => Promise.reject(error('PATCH_FAILED')));
  await assert.rejects(makeInOrder(request('patch'), attempt), (thrown) => isHeraklitError(thrown, 'PATCH_FAILED'));
  const excluded: Alternative = { strategy: 'rebuild', verdict: 'excluded', because: 'policy' };
  await assert.rejects(
    makeInOrder(request('patch', excluded), attempt),
    (thrown) =>
      isHeraklitError(thrown, 'STRATEGY_EXCLUDED') && /cannot be patched .* excludes rebuild/.test(thrown.message),
  );
});
