import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ecosystem } from '../types.ts';
import { isLanguageEcosystem, languageVersionOrder } from './order.ts';

/** Each list ascends; versions joined by `=` are equal. */
const ASCENDING: readonly (readonly [Ecosystem, string])[] = [
  ['npm', 'latest 0.9.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1'],
  ['npm', '1.0.0=1.0.0+build=v1.0.0 1.0.1-0 1.0.1 1.2.0 1.10.0 99999999999999999999.0.0'],
  ['pypi', 'x 1.dev0 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456'],
  [
    'pypi',
    '1.0b2.post345 1.0rc1.dev456 1.0rc1=1.0c1=1.0-preview-1 1=1.0=v1.0.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0.post456.dev34',
  ],
  ['pypi', '1.0.post456=1.0-456=1.0.r456 1.1.dev1 1.1 1!0.1'],
  ['gem', '1.0.a 1.0.a.2 1.0.b1 1.0.rc 1.0=1=1.0.0 1.0.1 1.9 1.10'],
  ['maven', '1-alpha-1=1a1 1-beta 1-milestone 1-rc=1-cr 1-snapshot 1=1.0=1-ga=1.final=1-release 1-sp 1-abc 1-1 1.1'],
  ['maven', '2.0-rc1 2.0 2.0.1 2.10 2.14.1 10'],
  ['golang', 'v0.0.0-20190101000000-abcdef v0.1.0 v1.2.3 v2.0.0+incompatible'],
  ['nuget', '1.0.0-beta 1.0.0.0=1.0 1.0.0.1 1.0.1'],
  ['cran', '1.0 1.0-1=1.0.1 1.0-10'],
];

for (const [ecosystem, list] of ASCENDING) {
  test(`${ecosystem}: ${list.slice(0, 40)}…`, () => {
    const compare = languageVersionOrder(ecosystem);
    const classes = list.split(' ').map((text) => text.split('='));
    for (const [i, lower] of classes.entries()) {
      for (const [j, higher] of classes.entries()) {
        for (const a of lower) {
          for (const b of higher) assert.equal(Math.sign(compare(a, b)), Math.sign(i - j), `${a} ${b}`);
        }
      }
    }
  });
}

test('every order is total over any texts', () => {
  const part = fc.constantFrom(
    '1',
    '0',
    '10',
    '.',
    '-',
    '+',
    'a',
    'rc',
    'final',
    'dev',
    'post',
    '!',
    'v',
    'SNAPSHOT',
    '00',
  );
  const version = fc.oneof(
    fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
    fc.string(),
  );
  const ecosystems = ['npm', 'pypi', 'maven', 'gem', 'cran'] as const;
  fc.assert(
    fc.property(fc.constantFrom(...ecosystems), version, version, version, (ecosystem, a, b, c) => {
      const compare = languageVersionOrder(ecosystem);
      assert.equal(compare(a, a), 0);
      assert.equal(Math.sign(compare(a, b)) + Math.sign(compare(b, a)), 0);
      if (compare(a, b) <= 0 && compare(b, c) <= 0) assert.ok(compare(a, c) <= 0, `${ecosystem}: ${a} ${b} ${c}`);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(isLanguageEcosystem('npm') && !isLanguageEcosystem('deb') && !isLanguageEcosystem('constructor'));
});
