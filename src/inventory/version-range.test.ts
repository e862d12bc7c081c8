import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareVersions } from '../distro/index.ts';
import { inRange, parseVersionRange, type RangeOperator } from './version-range.ts';

test('forms people write', () => {
  assert.deepEqual(parseVersionRange('1.2-3'), [{ operator: '=', version: '1.2-3' }]);
  assert.deepEqual(parseVersionRange(' >=1:2.0~rc1,< 3 '), [
    { operator: '>=', version: '1:2.0~rc1' },
    { operator: '<', version: '3' },
  ]);
  assert.deepEqual(parseVersionRange('<<2>>1'), [
    { operator: '<', version: '2' },
    { operator: '>', version: '1' },
  ]);
});

test('what is no range is refused with the form expected', () => {
  for (const text of ['', '   ', '<', '>= <2', '=<1', ',', '1,,2', '<'.repeat(600), '1 '.repeat(40)]) {
    assert.throws(() => parseVersionRange(text), { code: 'INVENTORY_RANGE_INVALID' }, text);
  }
});

test('ranges hold exactly when the order says so, whatever the spelling', () => {
  const version = fc.stringMatching(/^(?:[0-9]:)?[0-9][0-9a-z.+~]{0,6}(?:-[0-9a-z]{1,3})?$/);
  const operator = fc.constantFrom<RangeOperator>('<', '<=', '=', '!=', '>=', '>');
  const blank = fc.constantFrom('', ' ', '  ');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(operator, blank, version), { minLength: 1, maxLength: 4 }),
      version,
      (parts, probe) => {
        const range = parseVersionRange(parts.map(([sign, space, bound]) => `${sign}${space}${bound}`).join(' '));
        const wanted = parts.every(([sign, , bound]) => {
          const order = Math.sign(compareVersions(probe, bound));
          return {
            '<': order < 0,
            '<=': order <= 0,
            '=': order === 0,
            '!=': order !== 0,
            '>=': order >= 0,
            '>': order > 0,
          }[sign];
        });
        assert.equal(inRange(probe, range, compareVersions), wanted);
      },
    ),
  );
});

test('any text parses or is refused with our code', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('<', '>', '=', '!', ' ', ',', '1', '.', 'a', '\n') }), (text) => {
      try {
        assert.ok(parseVersionRange(text).length > 0);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'INVENTORY_RANGE_INVALID');
      }
    }),
  );
});
