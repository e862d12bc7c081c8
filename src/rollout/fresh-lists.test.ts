import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkloadRuntime } from '../runtime/index.ts';
import { freshLists } from './fresh-lists.ts';

test('all who ask before a list begins share it; who asks while one runs gets the next; never two at once', async () => {
  let [begun, running, most] = [0, 0, 0];
  const gates: (() => void)[] = [];
  const runtime = {
    async list() {
      begun += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => gates.push(resolve));
      running -= 1;
      if (begun === 2) throw new Error('away');
      return [];
    },
  } as unknown as WorkloadRuntime;
  const list = freshLists();
  const first = [list(runtime), list(runtime), list(runtime)];
  await new Promise(setImmediate);
  assert.equal(begun, 1);
  const second = [list(runtime), list(runtime)];
  await new Promise(setImmediate);
  assert.equal(begun, 1, 'waits for the one that runs, which may be older than what is asked');
  gates.shift()?.();
  assert.deepEqual(await Promise.all(first), [[], [], []]);
  await new Promise(setImmediate);
  gates.shift()?.();
  assert.deepEqual(await Promise.all(second), [undefined, undefined], 'a runtime that does not answer says nothing');
  const third = list(runtime);
  await new Promise(setImmediate);
  gates.shift()?.();
  assert.deepEqual(await third, []);
  assert.deepEqual([begun, most], [3, 1]);
});
