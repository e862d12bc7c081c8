import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareVersions, isVersion, matchesFuzzily, satisfies } from './version.ts';

test('the order that the manual gives suffixes', () => {
  const ladder = [
    ...['1.0_alpha', '1.0_alpha1', '1.0_beta', '1.0_pre2', '1.0_rc1', '1.0_rc10', '1.0', '1.0-r0', '1.0-r1', '1.0-r10'],
    ...['1.0_cvs', '1.0_svn', '1.0_git20240101', '1.0_hg', '1.0_p', '1.0_p1', '1.0a', '1.0b', '1.0.0', '1.0.1', '1.1'],
  ];
  for (const [i, a] of ladder.entries()) {
    for (const [j, b] of ladder.entries()) assert.equal(compareVersions(a, b), Math.sign(i - j), `${a} ? ${b}`);
  }
});

test('a leading zero makes digits a fraction, but not in the first number', () => {
  assert.equal(compareVersions('1.01', '1.1'), -1);
  assert.equal(compareVersions('1.010', '1.01'), 1);
  assert.equal(compareVersions('1.09', '1.1'), -1);
  assert.equal(compareVersions('007', '7'), 0);
});

test('a commit is compared as text', () => {
  assert.equal(compareVersions('1.0~abc', '1.0~abd'), -1);
  assert.equal(compareVersions('1.0~ab', '1.0'), 1);
});

test('numbers beyond 64 bits wrap as they do in apk', () => {
  assert.equal(compareVersions('1.18446744073709551617', '1.1'), 0);
  assert.equal(compareVersions('1.9007199254740993', '1.9007199254740992'), 1);
});

test('what is a version', () => {
  for (const text of ['1', '1.2.3', '1.2a_p1_git2-r4', '1~0af', '0_rc1']) assert.ok(isVersion(text), text);
  for (const text of ['', 'a', '1.', '1..2', '1_foo', '1_none', '1-1', '1-r', '1.2ab', '1~', '1~G', '1-r1-r2', '1 ']) {
    assert.ok(!isVersion(text), text);
  }
});

test('a fuzzy match is one of the first parts', () => {
  for (const version of ['3.6', '3.6.0', '3.6.9', '3.6_pre1', '3.6-r1'])
    assert.ok(matchesFuzzily(version, '3.6'), version);
  for (const version of ['3.60', '3.5', '3.7', '3']) assert.ok(!matchesFuzzily(version, '3.6'), version);
});

test('operators', () => {
  assert.ok(satisfies('1.2_rc1', '<<', '1.2'));
  assert.ok(satisfies('1.2', '<=', '1.2'));
  assert.ok(!satisfies('1.2', '>>', '1.2'));
});

test('any two texts compare, and the other way round conversely', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9._a-z~r-]{0,20}$/));
  fc.assert(
    fc.property(text, text, (a, b) => compareVersions(a, b) === 0 - compareVersions(b, a)),
    { numRuns: 2000 },
  );
});
