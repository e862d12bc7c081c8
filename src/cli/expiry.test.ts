import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expiryOf } from './expiry.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

test('an expiry is a date to come or a span', () => {
  assert.equal(expiryOf('90d', NOW), '2026-04-01T00:00:00.000Z');
  assert.equal(expiryOf('12h', NOW), '2026-01-01T12:00:00.000Z');
  assert.equal(expiryOf('2027-01-31', NOW), '2027-01-31T00:00:00.000Z');
  assert.equal(expiryOf('2027-01-31T12:00:00+02:00', NOW), '2027-01-31T10:00:00.000Z');
  for (const text of ['', '0d', '-1d', 'tomorrow', '2025-01-01', '2027-13-01', '90', '1e9d', '9999999d']) {
    assert.throws(() => expiryOf(text, NOW), { code: 'CLI_USAGE' }, text);
  }
});
