import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { waitAfter } from './schedule.ts';

test('an hour, give or take a tenth; after failures a minute, doubled each time up to six hours', () => {
  const waits = (interval: number) =>
    [0, 1, 2, 3, 10, 10_000].map((failures) => waitAfter({ interval }, failures, 0.5));
  assert.deepEqual(waits(3_600), [3_600, 60, 120, 240, 21_600, 21_600]);
  assert.deepEqual(waits(86_400), [86_400, 60, 120, 240, 30_720, 86_400]);
  assert.deepEqual(
    [0, 1].map((random) => Math.round(waitAfter({ interval: 100 }, 0, random))),
    [90, 110],
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 ** 7 }),
      fc.nat(10 ** 6),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (interval, failures, random) => {
        const wait = waitAfter({ interval }, failures, random);
        assert.ok(Number.isFinite(wait) && wait > 0 && wait <= 1.1 * Math.max(interval, 6 * 3_600));
      },
    ),
  );
});
