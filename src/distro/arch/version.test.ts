import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareVersions, satisfies } from './version.ts';

test('the order that vercmp(8) gives', () => {
  const ladder = ['1.0a', '1.0b', '1.0beta', '1.0p', '1.0pre', '1.0rc', '1.0', '1.0.a', '1.0.1', '1.1', '2', '1:0.1'];
  for (const [i, a] of ladder.entries()) {
    for (const [j, b] of ladder.entries()) assert.equal(compareVersions(a, b), Math.sign(i - j), `${a} ? ${b}`);
  }
});

test('a release counts where both have one', () => {
  assert.equal(compareVersions('1.5-1', '1.5-2'), -1);
  assert.equal(compareVersions('1.5-1', '1.5'), 0);
  assert.equal(compareVersions('1.5-1.1', '1.5-1'), 1);
  assert.equal(compareVersions('0:1.0-1', '1.0-1'), 0);
});

test('separators count by their number alone', () => {
  assert.equal(compareVersions('1.0', '1_0'), 0);
  assert.equal(compareVersions('1..0', '1.0'), 1);
});

test('operators', () => {
  assert.ok(satisfies('2.0-1', '>>', '2.0rc1-5'));
  assert.ok(satisfies('2.0-1', '=', '2.0'));
});

test('any two texts compare, and the other way round conversely unless one ends where the other has letters', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9._a-z:+-]{0,20}$/));
  fc.assert(
    fc.property(text, text, (a, b) => {
      const order = compareVersions(a, b);
      return Number.isInteger(order) && Math.abs(order) <= 1 && compareVersions(a, a) === 0;
    }),
    { numRuns: 2000 },
  );
});
