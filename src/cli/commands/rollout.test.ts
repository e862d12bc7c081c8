import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeraklitError } from '../../base/index.ts';
import { parseHealth } from './rollout.ts';

test('health checks are read, and wrong ones refused with the forms there are', () => {
  assert.deepEqual(parseHealth('http:8080/healthz'), { kind: 'http', port: 8080, path: '/healthz' });
  assert.deepEqual(parseHealth('http:80'), { kind: 'http', port: 80, path: '/' });
  assert.deepEqual(parseHealth('tcp:5432'), { kind: 'tcp', port: 5432 });
  assert.deepEqual(parseHealth('running'), { kind: 'running' });
  for (const wrong of ['http', 'tcp:0', 'tcp:70000', 'udp:53', 'http:80healthz', '']) {
    assert.throws(
      () => parseHealth(wrong),
      (error) => isHeraklitError(error, 'CLI_USAGE'),
      wrong,
    );
  }
});
