import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeraklitError } from '../base/index.ts';
import { decideBind, isLoopback } from './bind.ts';

test('loopback is the address, not the look of it', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', 'x.localhost', '::ffff:127.0.0.1']) {
    assert.equal(isLoopback(host), true, host);
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'localhost.example', '', '128.0.0.1']) {
    assert.equal(isLoopback(host), false, host);
  }
});

test('without accounts only loopback is open, unless the user says so', () => {
  assert.deepEqual(decideBind({ host: '127.0.0.1', accounts: false }), { anonymous: 'write', loopback: true });
  assert.deepEqual(decideBind({ host: '0.0.0.0', accounts: true }), { anonymous: 'nothing', loopback: false });
  assert.deepEqual(decideBind({ host: '0.0.0.0', accounts: false, anonymous: 'read' }), {
    anonymous: 'read',
    loopback: false,
    explicit: true,
  });
  assert.throws(
    () => decideBind({ host: '0.0.0.0', accounts: false }),
    (error) => isHeraklitError(error, 'HTTP_BIND_REFUSED'),
  );
});
