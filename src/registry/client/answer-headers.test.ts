import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfter } from './retry-after.ts';
import { warningsOf } from './warnings.ts';

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(retryAfter('120', now), 120);
  assert.equal(retryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now), 30);
  assert.equal(retryAfter('Wed, 31 Dec 2025 00:00:30 GMT', now), 0);
  for (const none of [undefined, '', 'soon', '-5', '99999999999']) assert.equal(retryAfter(none, now), undefined, none);
});

test('warnings are those of the specification, without what a terminal would act on', () => {
  assert.deepEqual(warningsOf('299 - "goes \\"soon\\"", 299 - "and another"'), ['goes "soon"', 'and another']);
  assert.deepEqual(warningsOf('299 - "\u001b[31mred"'), [' [31mred']);
  for (const none of [undefined, '', '110 - "stale"', '299 x', `299 - "${'x'.repeat(9_000)}"`]) {
    assert.deepEqual(warningsOf(none), []);
  }
});
