import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pointInTime, rowLimit } from './point-in-time.ts';

const NOW = Date.parse('2026-03-08T12:00:00Z');

test('dates, times and ages', () => {
  assert.equal(pointInTime('--since', '2026-03-01', NOW), '2026-03-01T00:00:00.000Z');
  assert.equal(pointInTime('--since', '2026-03-01T10:00:00+02:00', NOW), '2026-03-01T08:00:00.000Z');
  assert.equal(pointInTime('--since', '7d', NOW), '2026-03-01T12:00:00.000Z');
  for (const bad of ['yesterday', '2026-13-01', '7', '', '2026-03-01 10:00']) {
    assert.throws(() => pointInTime('--since', bad, NOW), { code: 'CLI_USAGE' });
  }
});

test('numbers of rows', () => {
  assert.equal(rowLimit('10'), 10);
  for (const bad of ['0', '-1', '1.5', 'ten']) assert.throws(() => rowLimit(bad), { code: 'CLI_USAGE' });
});
