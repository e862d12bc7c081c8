import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { compareVersions, parseVersion, satisfies } from './version.ts';

test('ascending ladders of policy and deb-version(7)', () => {
  for (const ladder of [
    ['~~', '~~a', '~', '', 'a'],
    [
      '1.0~rc1-1',
      '1.0-1~deb12u1',
      '1.0-1',
      '1.0-1+b1',
      '1.0-1+deb12u1',
      '1.0-1.1',
      '1.0-2',
      '1.0-10',
      '1.0.1-1',
      '1:0.1',
    ],
    ['1.0-1', '1.0a-1', '1.0+dfsg-1', '1.0.1'],
    ['9', '10', '99999999999999999998', '99999999999999999999', '100000000000000000000'],
  ]) {
    for (const [i, lower] of ladder.entries()) {
      for (const [j, higher] of ladder.entries()) {
        assert.equal(compareVersions(lower, higher), Math.sign(i - j), `${lower} ? ${higher}`);
      }
    }
  }
});

test('equal though written differently', () => {
  for (const [a, b] of [
    ['0:1.0-1', '1.0-1'],
    ['1.0', '1.0-0'],
    ['1.00', '1.0'],
    ['00:1', '1'],
    ['1.a', '1.a0'],
  ] as const) {
    assert.equal(compareVersions(a, b), 0, `${a} = ${b}`);
  }
});

test('a total order: antisymmetric and transitive', () => {
  const version = fc.string({ unit: fc.constantFrom(...'0129azA.+~-:'), maxLength: 10 });
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(compareVersions(a, b) + compareVersions(b, a), 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
    }),
  );
});

test('operators', () => {
  assert.deepEqual(
    (['<<', '<=', '=', '>=', '>>'] as const).map((operator) => satisfies('1.2-3', operator, '1.2')),
    [false, false, false, true, true],
  );
});

test('what dpkg refuses is refused', () => {
  assert.deepEqual(parseVersion('1:2.3-4-5+b1'), { epoch: 1, upstream: '2.3-4', revision: '5+b1' });
  assert.deepEqual(parseVersion('20260101'), { epoch: 0, upstream: '20260101', revision: undefined });
  for (const text of ['', ':1', '1:', 'x:1', '1-', '1 2', '99999999999:1', '1_2', `1${'0'.repeat(2000)}`]) {
    assert.throws(
      () => parseVersion(text),
      (error) => isHeraklitError(error, 'DISTRO_VERSION_INVALID'),
      text,
    );
  }
});
