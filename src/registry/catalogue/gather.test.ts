import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gather } from './gather.ts';

test('items that come together share a call, up to the most; each gets its own result', async () => {
  const calls: number[] = [];
  const double = gather<number, number>(
    async (items) => {
      calls.push(items.length);
      await sleep(1);
      return items.map((item) => item * 2);
    },
    { most: 4 },
  );
  const numbers = Array.from({ length: 10 }, (_, at) => at);
  assert.deepEqual(
    await Promise.all(numbers.map(double)),
    numbers.map((item) => item * 2),
  );
  assert.deepEqual(calls, [4, 4, 2]);
  assert.equal(await double(21), 42);
});

test('items of one key go in order, one a call', async () => {
  const calls: string[][] = [];
  const run = async (items: readonly string[]): Promise<readonly string[]> => {
    calls.push([...items]);
    return items;
  };
  const put = gather<string, string>(run, { most: 10, key: (item) => item.charAt(0) });
  await Promise.all(['a1', 'a2', 'b1', 'a3', 'b2'].map(put));
  assert.deepEqual(calls, [['a1', 'b1'], ['a2', 'b2'], ['a3']]);
});

test('one that fails fails alone, or with its call where that is how it is', async () => {
  const run = async (items: readonly number[]): Promise<readonly number[]> => {
    if (items.includes(3)) throw new Error('three');
    return items;
  };
  const results = (alone: boolean): Promise<readonly string[]> => {
    const put = gather<number, number>(run, { most: 10, alone });
    return Promise.allSettled([1, 2, 3].map(put)).then((all) => all.map(({ status }) => status));
  };
  assert.deepEqual(await results(true), ['fulfilled', 'fulfilled', 'rejected']);
  assert.deepEqual(await results(false), ['rejected', 'rejected', 'rejected']);
});
