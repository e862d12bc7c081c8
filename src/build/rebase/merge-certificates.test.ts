import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeCertificates } from './merge-certificates.ts';

const CHOICE = 'etc/ca-certificates.conf';
const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
const merge = (path: string, old: string, now: string, own: string): string | undefined => {
  const [before, after, mine] = [old, now, own].map((one) => Buffer.from(one)) as [Buffer, Buffer, Buffer];
  const merged = mergeCertificates(path, { old: before, new: after, own: mine });
  return merged?.kind === 'merged' ? Buffer.from(merged.content).toString() : undefined;
};
const pem = (...names: readonly string[]): string =>
  names.map((name) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`).join('');

test('what an upgrade leaves of the choice gives way to the new base’s, another choice does not', () => {
  const [old, now] = ['# ours\na.crt\ngone.crt\n!never.crt\n', '# ours\na.crt\nnew.crt\n!never.crt\n'];
  const upgraded = '# ours\na.crt\n!gone.crt\n!never.crt\nnew.crt\n';
  assert.equal(merge(CHOICE, old, now, upgraded), now);
  for (const other of [
    upgraded.replace('a.crt', '!a.crt'),
    upgraded.replace('!gone.crt', 'gone.crt'),
    upgraded.replace('!never.crt', 'never.crt'),
    upgraded.replace('new.crt\n', ''),
    `${upgraded}!else.crt\n`,
    `${upgraded}# mine\n`,
    `${upgraded}mine.crt\n`,
  ]) {
    assert.equal(merge(CHOICE, old, now, other), undefined, other);
  }
});

test('certificates of the child’s own go to the end of the new base’s bundle', () => {
  const [old, now] = [pem('a', 'gone'), pem('new', 'a')];
  assert.equal(merge(BUNDLE, old, now, pem('a', 'new')), now);
  assert.equal(merge(BUNDLE, old, now, pem('a', 'new', 'mine')), pem('new', 'a', 'mine'));
  for (const other of [pem('a'), pem('a', 'mine', 'new'), pem('a', 'new', 'gone'), `${pem('a', 'new')}words\n`, '']) {
    assert.equal(merge(BUNDLE, old, now, other), undefined, other);
  }
});

test('no other file is looked at', () => {
  assert.equal(merge('etc/passwd', 'a', 'b', 'b'), undefined);
});
