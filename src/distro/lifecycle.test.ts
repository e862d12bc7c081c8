import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lastDayOfSupport, lifecycleOf } from './lifecycle.ts';

test('the last day of support: long-term support counts, what is sold beside does not', () => {
  assert.equal(lastDayOfSupport('debian/bookworm'), '2028-06-30');
  assert.equal(lifecycleOf('debian/bookworm')?.elts, '2033-06-30');
  assert.equal(lastDayOfSupport('debian/bullseye'), '2026-08-31');
  assert.equal(lastDayOfSupport('ubuntu/jammy'), '2027-06-01');
  assert.equal(lastDayOfSupport('alpine/3.22'), '2027-05-01');
  assert.equal(lastDayOfSupport('rhel/9'), '2032-05-31');
  for (const name of [
    'debian/sid',
    'debian/forky',
    'arch/rolling',
    'debian',
    '',
    'debian/constructor',
    'constructor/name',
  ]) {
    assert.equal(lastDayOfSupport(name), undefined, name);
  }
});

test('every date is a day, in the order in which support ends', () => {
  const data = JSON.parse(readFileSync(new URL('../../data/lifecycle.json', import.meta.url), 'utf8'));
  for (const [id, { source, releases }] of Object.entries(data) as [string, { source: string; releases: object }][]) {
    assert.match(source, /https:\/\//, id);
    for (const [release, { released, end, lts, elts }] of Object.entries(releases)) {
      const days = [released, end, lts, elts].filter((day) => day !== undefined);
      for (const day of days)
        assert.equal(new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10), day, `${id}/${release}`);
      assert.deepEqual([...days].sort(), days, `${id}/${release}`);
    }
  }
});
