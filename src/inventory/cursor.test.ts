import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeCursor, encodeCursor, MAX_PAGE, pageSize, toPage } from './cursor.ts';

test('a cursor comes back as it went', () => {
  fc.assert(
    fc.property(fc.integer(), fc.string(), (number, text) => {
      assert.deepEqual(decodeCursor(encodeCursor([number, text]), ['number', 'string']), [number, text]);
    }),
  );
});

test('any other text is refused with our code', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.throws(() => decodeCursor(text, ['number', 'string', 'number']), { code: 'INVENTORY_CURSOR_INVALID' });
    }),
  );
  assert.throws(() => decodeCursor(encodeCursor(['1']), ['number']), { code: 'INVENTORY_CURSOR_INVALID' });
});

test('page sizes stay within bounds', () => {
  assert.deepEqual([undefined, 0, -5, 3.7, 1e9, Number.NaN].map(pageSize), [100, 1, 1, 3, MAX_PAGE, 100]);
  assert.deepEqual(
    toPage([1, 2], 2, (row) => [row]),
    { rows: [1, 2], next: undefined },
  );
  assert.deepEqual(
    toPage([1, 2, 3], 2, (row) => [row]),
    { rows: [1, 2], next: encodeCursor([2]) },
  );
});
