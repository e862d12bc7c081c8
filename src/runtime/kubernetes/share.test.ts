import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pods } from './partition.ts';
import { copiesFor, shareOf } from './share.ts';

const copies = fc.integer({ min: 1, max: 500 });
const weight = fc.integer({ min: 1, max: 100 });

test('copies: at least one, never more than the old ones, and no whole number comes nearer to the weight', () => {
  fc.assert(
    fc.property(copies, weight, (wanted, share) => {
      const made = copiesFor(wanted, share, 'replicas');
      assert.ok(made >= 1 && made <= wanted);
      if (share === 100) return assert.equal(made, wanted);
      const off = (count: number): number => Math.abs((100 * count) / (count + wanted) - share);
      for (const other of [made - 1, made + 1]) {
        if (other >= 1 && other <= wanted)
          assert.ok(off(made) <= off(other) + 1e-9, `${made} of ${wanted} for ${share}`);
      }
    }),
  );
  assert.deepEqual(
    [1, 10, 20, 50, 90, 100].map((share) => copiesFor(10, share, 'replicas')),
    [1, 1, 3, 10, 10, 10],
  );
  assert.equal(shareOf(2, 8), 20);
});

test('where requests are split, copies carry their share of the load', () => {
  fc.assert(
    fc.property(copies, weight, (wanted, share) => {
      const made = copiesFor(wanted, share, 'requests');
      assert.ok(made >= 1 && made <= wanted && made * 100 >= wanted * share);
    }),
  );
});

test('pods of a partition: at least one, and all only at 100 %', () => {
  fc.assert(
    fc.property(copies, weight, (wanted, share) => {
      const updated = pods(wanted, share);
      assert.ok(updated >= 1 && updated <= wanted);
      if (share < 100 && wanted > 1) assert.ok(updated < wanted);
    }),
  );
});
