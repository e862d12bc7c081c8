import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeraklitError } from './errors.ts';
import { retry } from './retry.ts';

const failing = (times: number, retryAfter?: number) => {
  let calls = 0;
  return {
    calls: () => calls,
    call: async (): Promise<string> => {
      calls += 1;
      if (calls > times) return 'done';
      throw new HeraklitError('TEST_BUSY', { kind: 'failed', retryable: true, meaning: '' }, 'busy', {
        ...(retryAfter === undefined ? {} : { details: { retryAfter } }),
      });
    },
  };
};

test('a retryable error is tried again, so many times', async () => {
  const twice = failing(2);
  assert.equal(await retry(twice.call, { attempts: 3, delay: 1 }), 'done');
  const always = failing(9);
  await assert.rejects(retry(always.call, { attempts: 3, delay: 1 }), { code: 'TEST_BUSY' });
  assert.equal(always.calls(), 3);
});

test('an error says how long to wait; for longer than one is ready to, it is final', async () => {
  const soon = failing(1, 0.02);
  assert.equal(await retry(soon.call, { attempts: 2, delay: 1 }), 'done');
  const late = failing(1, 3_600);
  await assert.rejects(retry(late.call, { attempts: 5, delay: 1 }), { code: 'TEST_BUSY' });
  assert.equal(late.calls(), 1);
});
