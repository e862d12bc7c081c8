import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressGroup } from './address.ts';
import { parseAuthorization } from './header.ts';
import { afterFailure, type Failures, LONGEST_WAIT, waitOf } from './lockout.ts';
import { checkNewPassword, hashPassword, verifyPassword } from './password.ts';
import { boundedQueue } from './queue.ts';
import { rateLimiter } from './rate.ts';
import { isSecret, newSecret, newTicket } from './secret.ts';

const CHEAP = { memory: 64, passes: 1, parallelism: 1 };

test('passwords: PHC strings, right and wrong, outgrown cost', async () => {
  const stored = await hashPassword('correct horse battery', CHEAP);
  assert.match(stored, /^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(stored, await hashPassword('correct horse battery', CHEAP), 'salted');
  assert.deepEqual(await verifyPassword('correct horse battery', stored, CHEAP), { right: true, outgrown: false });
  assert.deepEqual(await verifyPassword('correct horse batter', stored, CHEAP), { right: false, outgrown: false });
  const grown = { ...CHEAP, passes: 2 };
  assert.deepEqual(await verifyPassword('correct horse battery', stored, grown), { right: true, outgrown: true });
  assert.equal((await verifyPassword('', undefined, CHEAP)).right, false);
  for (const broken of [
    '',
    'x',
    stored.replace('m=64', 'm=9999999'),
    stored.replace('p=1', 'p=0'),
    stored.slice(0, -20),
  ]) {
    assert.equal((await verifyPassword('correct horse battery', broken, CHEAP)).right, false, broken);
  }
  const composed = await hashPassword('caf\u00e9 au lait 1', CHEAP);
  assert.ok(
    (await verifyPassword('cafe\u0301 au lait 1', composed, CHEAP)).right,
    'however the keyboard wrote the accent',
  );
});

test('a vector of the argon2 reference implementation (src/test.c)', async () => {
  const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  assert.deepEqual(await verifyPassword('password', reference), { right: true, outgrown: true });
  assert.equal((await verifyPassword('passwore', reference)).right, false);
});

test('weak passwords are refused', () => {
  for (const password of ['', 'short', 'alice-is-here-now', 'aaaaaaaaaaaaaaaa', 'x'.repeat(1_025)]) {
    assert.throws(() => checkNewPassword('alice', password), { code: 'ACCESS_PASSWORD_REFUSED' }, password);
  }
  checkNewPassword('alice', 'correct horse battery');
});

test('secrets are told from passwords', () => {
  assert.ok(isSecret(newSecret()));
  assert.ok(!isSecret(newTicket()));
  assert.ok(!isSecret(`${newSecret()}x`));
});

test('Authorization headers', () => {
  const basic = (text: string | Buffer): string => `Basic ${Buffer.from(text).toString('base64')}`;
  assert.deepEqual(parseAuthorization(undefined), { kind: 'none' });
  assert.deepEqual(parseAuthorization(basic('alice:a:b')), { kind: 'basic', name: 'alice', password: 'a:b' });
  assert.deepEqual(parseAuthorization(basic(':').replace('Basic', 'bAsIc ')), { kind: 'none' });
  assert.deepEqual(parseAuthorization('Bearer a.b-c_d~e+/=='), { kind: 'bearer', token: 'a.b-c_d~e+/==' });
  const wrong = [
    'Basic',
    'Basic ',
    'Basic =',
    'Basic !!!!',
    basic('no colon'),
    basic(Buffer.from([0xff, 0x3a, 0xfe])),
    basic('a:b\0c'),
    basic('a\nb:c'),
    basic(`${'x'.repeat(300)}:y`),
    basic(`x:${'y'.repeat(2_000)}`),
    'Bearer',
    'Bearer a b',
    'Bearer a,b',
    'Bearer "a"',
    'Digest username="a"',
    'Negotiate abc',
    `Bearer ${'a'.repeat(20_000)}`,
    'Basic\tYTpi',
    ' Basic YTpi',
  ];
  for (const header of wrong) {
    assert.throws(() => parseAuthorization(header), { code: 'ACCESS_CREDENTIALS_MALFORMED' }, header);
  }
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `Basic ${text}`),
        fc.string().map(basic),
      ),
      (header) => {
        try {
          parseAuthorization(header);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'ACCESS_CREDENTIALS_MALFORMED');
          assert.doesNotMatch((error as Error).message, /[A-Za-z0-9+/]{12}=|"/, 'quotes nothing');
        }
      },
    ),
  );
});

test('wrong passwords: free at first, then twice as long each time, never for ever', () => {
  let failures: Failures | undefined;
  let now = 1_000_000;
  const waits: number[] = [];
  for (let index = 0; index < 40; index += 1) {
    failures = afterFailure(failures, now);
    waits.push(waitOf(failures, now));
    now += waits.at(-1) ?? 0;
  }
  assert.deepEqual(waits.slice(0, 9), [0, 0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000]);
  assert.equal(Math.max(...waits), LONGEST_WAIT);
  assert.equal(waitOf(failures, now), 0);
  assert.equal(waitOf(failures, now - 10 * LONGEST_WAIT), LONGEST_WAIT, 'a clock that went back');
  assert.equal(afterFailure(failures, now + 25 * 3_600_000).count, 1, 'forgotten after a day');
});

test('addresses are grouped as networks give them out', () => {
  assert.equal(addressGroup('192.0.2.7'), '192.0.2.7');
  assert.equal(addressGroup('::ffff:192.0.2.7'), '192.0.2.7');
  assert.equal(addressGroup('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  assert.equal(addressGroup('2001:DB8:1:2::6'), '2001:db8:1:2::/64');
  assert.equal(addressGroup('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(addressGroup('::1'), '0:0:0:0::/64');
});

test('a rate: a burst, then so many a second, each caller for itself', () => {
  let now = 0;
  const take = rateLimiter({ perSecond: 2, burst: 3 }, () => now);
  for (let index = 0; index < 3; index += 1) take('a');
  assert.throws(
    () => take('a'),
    (error: { code?: string; details?: { retryAfter?: number } }) => {
      assert.equal(error.code, 'ACCESS_RATE_LIMITED');
      assert.equal(error.details?.retryAfter, 1);
      return true;
    },
  );
  take('b');
  now += 500;
  take('a');
  assert.throws(() => take('a'), { code: 'ACCESS_RATE_LIMITED' });
  now += 60_000;
  for (let index = 0; index < 3; index += 1) take('a');
  assert.throws(() => take('a'), { code: 'ACCESS_RATE_LIMITED' }, 'no more than the burst after a pause');
});

test('a queue of passwords is as wide and as long as it says, and goes on after a failure', async () => {
  const queue = boundedQueue(2, 2);
  let running = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const job = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await gate.promise;
    running -= 1;
    throw new Error('job');
  };
  const jobs = Array.from({ length: 4 }, () => queue(job));
  await assert.rejects(queue(job), { code: 'ACCESS_BUSY' });
  gate.resolve();
  const results = await Promise.allSettled(jobs);
  assert.ok(results.every((result) => result.status === 'rejected' && result.reason.message === 'job'));
  assert.equal(most, 2);
  assert.equal(await queue(async () => 7), 7);
});
