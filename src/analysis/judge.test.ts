import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import { none, type Reading, readingOf } from './reading.ts';
import { counted, emptyTally, limitsOf, type Tally, verdictOf } from './tally.ts';

const is = (value: number): Reading => readingOf(value, 'x');

test('limits, and a comparison that needs both the factor and the difference', () => {
  const outcome = (checks: Parameters<typeof judge>[0], after: number, before?: number): string =>
    judge(checks, is(after), before === undefined ? undefined : is(before)).outcome;
  assert.equal(outcome({ max: 1 }, 1), 'good');
  assert.equal(outcome({ max: 1 }, 1.01), 'bad');
  assert.equal(outcome({ min: 0.9 }, 0.8), 'bad');
  assert.equal(outcome({ max: 1 }, Infinity), 'bad');
  const compare = { factor: 2, difference: 0.01 };
  assert.equal(outcome({ compare }, 0.004, 0.001), 'good', 'four times, but next to nothing');
  assert.equal(outcome({ compare }, 0.15, 0.1), 'good', 'much more, but not twice');
  assert.equal(outcome({ compare }, 0.25, 0.1), 'bad');
  assert.equal(outcome({ compare: { factor: 1.5 } }, 0.1, 0), 'bad', 'nothing times anything');
  assert.equal(outcome({ compare: { worse: 'lower', factor: 0.9 } }, 80, 100), 'bad');
  assert.equal(outcome({ compare: { worse: 'lower', factor: 0.9, difference: 30 } }, 80, 100), 'good');
  assert.equal(outcome({ compare: { factor: 2 } }, 5), 'good', 'no old side runs any more');
});

test('no answer is neither good nor bad', () => {
  assert.deepEqual(judge({ max: 1 }, is(Number.NaN), undefined).outcome, 'inconclusive');
  assert.deepEqual(judge({ max: 1 }, none('away'), undefined), { outcome: 'inconclusive', detail: 'away' });
  assert.deepEqual(judge({ compare: { factor: 2 } }, is(1), none('away')).outcome, 'inconclusive');
  assert.deepEqual(judge({ compare: { factor: 0 } }, is(1), is(Infinity)).outcome, 'inconclusive');
  assert.equal(
    judge({ max: 0, compare: { factor: 2 } }, is(1), none('away')).outcome,
    'bad',
    'a limit needs no old side',
  );
});

test('what measurements come to', () => {
  const settings = { metrics: [], count: 3, failureLimit: 1, inconclusiveLimit: 2 };
  const tally = (name: string, outcomes: string): Tally =>
    [...outcomes].reduce(
      (sum, letter) =>
        counted(sum, {
          outcome: letter === 'g' ? 'good' : letter === 'b' ? 'bad' : 'inconclusive',
          detail: `${letter}!`,
        }),
      emptyTally(name),
    );
  const verdict = (more: object, ...outcomes: string[]) =>
    verdictOf(
      outcomes.map((one, index) => tally(`m${index}`, one)),
      limitsOf({ ...settings, ...more }),
    );
  assert.deepEqual(verdict({}, 'ggg', 'gbg'), { kind: 'go' });
  assert.equal(verdict({}, 'ggg', 'gb'), undefined);
  assert.equal(verdict({}, 'gg?', 'ggg'), undefined, 'an answer is waited for');
  assert.deepEqual(verdict({}, 'gg?g', 'ggg'), { kind: 'go' });
  assert.deepEqual(verdict({}, '???', 'gbb'), {
    kind: 'back',
    reason: 'm1: b! (2 of 3 measurements were bad)',
    blame: 'image',
  });
  assert.deepEqual(verdict({}, 'g???', 'g'), {
    kind: 'back',
    reason: 'm0: 3 measurements without an answer: ?!',
    blame: 'environment',
  });
  assert.equal(verdict({ onInconclusive: 'hold' }, '????????', 'ggg'), undefined);
  assert.deepEqual(verdict({ onInconclusive: 'go' }, '???', 'ggg'), { kind: 'go' });
  assert.equal(verdict({ onInconclusive: 'go' }, '???', 'gg'), undefined);
  assert.equal(verdict({ onInconclusive: 'go' }, '???', 'bb')?.kind, 'back');
});
