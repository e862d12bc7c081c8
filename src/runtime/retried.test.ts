import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkloadRuntime } from './port.ts';
import { type RuntimeState, retriedRuntime } from './retried.ts';

test('one that is away is asked later and later, joins when it is back, and tells both', async () => {
  let now = 1_000;
  let asked = 0;
  let away: string | undefined = 'connection refused';
  const plain: WorkloadRuntime = {
    name: 'kubernetes',
    unavailable: async () => {
      asked += 1;
      return away;
    },
    list: async () => [],
    rollout: async ({ workload }) => ({ kind: 'unchanged', workload: workload.id, to: '' }),
    close: async () => undefined,
  };
  const told: RuntimeState[] = [];
  const runtime = retriedRuntime(plain, {
    label: async () => 'kubernetes:prod',
    tell: (state) => void told.push(state),
    now: () => now,
  });
  assert.equal(runtime.state, undefined);
  const waits: number[] = [];
  for (let i = 0; i < 9; i += 1) {
    assert.equal(await runtime.unavailable(), 'connection refused');
    assert.equal(await runtime.unavailable(), 'connection refused', 'nobody waits for it a second time');
    const { retry = 0 } = runtime.state ?? {};
    waits.push(retry - now);
    now = retry;
  }
  assert.deepEqual(
    waits,
    [5, 10, 20, 40, 80, 160, 300, 300, 300].map((seconds) => seconds * 1_000),
  );
  assert.equal(asked, 9);
  assert.deepEqual([told.at(-1)?.since, told.at(-1)?.name], [1_000, 'kubernetes:prod']);
  away = undefined;
  assert.deepEqual(await Promise.all([runtime.unavailable(), runtime.unavailable()]), [undefined, undefined]);
  assert.equal(asked, 10, 'two who ask at once ask once');
  assert.deepEqual(runtime.state, {
    name: 'kubernetes:prod',
    state: 'usable',
    since: now,
    reason: '',
    retry: undefined,
  });
  away = 'gone again';
  now += 1;
  assert.equal(await runtime.unavailable(), 'gone again');
  assert.equal(told.at(-1)?.retry, now + 5_000);
});
