import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pods } from './partition.ts';
import { copiesFor, shareOf, sidesFor } from './share.ts';

const copies = fc.integer({ min: 1, max: 500 });
const weight = fc.integer({ min: 1, max: 100 });

test('up to half, copies stand beside all old ones, and no whole number comes nearer to the weight', () => {
  fc.assert(
    fc.property(copies, fc.integer({ min: 1, max: 50 }), (wanted, share) => {
      const { copies: made, stable } = sidesFor(wanted, share);
      assert.ok(stable === wanted && made >= 1 && made <= wanted);
      const off = (count: number): number => Math.abs((100 * count) / (count + wanted) - share);
      for (const other of [made - 1, made + 1]) {
        if (other >= 1 && other <= wanted)
          assert.ok(off(made) <= off(other) + 1e-9, `${made} of ${wanted} for ${share}`);
      }
    }),
  );
  assert.deepEqual(
    [1, 10, 20, 50].map((share) => sidesFor(10, share)),
    [1, 1, 3, 10].map((made) => ({ copies: made, stable: 10 })),
  );
});

test('over half, old copies become fewer: never fewer that serve than wanted, at most a quarter more new ones', () => {
  fc.assert(
    fc.property(copies, fc.integer({ min: 51, max: 99 }), (wanted, share) => {
      const { copies: made, stable } = sidesFor(wanted, share);
      assert.ok(made >= wanted && made <= wanted + Math.ceil(wanted / 4), `${made} for ${wanted}`);
      assert.ok(stable >= 1 && stable <= wanted);
      const off = (new_: number, old: number): number => Math.abs((100 * new_) / (new_ + old) - share);
      const best = off(made, stable);
      for (const old of [stable - 1, stable + 1]) {
        if (old >= 1 && old <= wanted) assert.ok(best <= off(made, old) + 1e-9, `${made}:${stable} of ${wanted}`);
      }
      if (wanted >= 50 && share <= 90) assert.ok(best <= 1, `${made}:${stable} is ${best} off ${share}`);
    }),
  );
  const told = (wanted: number, share: number): number => shareOf(sidesFor(wanted, share));
  assert.deepEqual(
    [60, 75, 80, 90].map((share) => told(10, share)),
    [60, 75, 80, 91],
  );
  assert.deepEqual([told(1, 80), told(1, 100), told(4, 80), told(3, 100)], [67, 100, 80, 100]);
  assert.deepEqual(
    [sidesFor(10, 80), sidesFor(10, 100)],
    [
      { copies: 12, stable: 3 },
      { copies: 10, stable: 0 },
    ],
  );
});

test('where requests are split, copies carry their share of the load', () => {
  fc.assert(
    fc.property(copies, weight, (wanted, share) => {
      const made = copiesFor(wanted, share);
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
