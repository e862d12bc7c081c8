import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { repositoryPattern } from './pattern.ts';

test('patterns of repositories', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['team/app', ['team/app'], ['team/app2', 'team', 'x/team/app', 'team/app/sub']],
    ['team/*', ['team/app', 'team/b'], ['team', 'team/app/sub', 'teams/app']],
    ['team/**', ['team/app', 'team/app/sub/deep'], ['team', 'teamapp', 'other/team/app']],
    ['**', ['a', 'a/b', 'a/b/c'], []],
    ['**/app', ['app', 'x/app', 'x/y/app'], ['app/x', 'xapp']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['a', 'z', 'a/zz']],
    ['web-*/front*end', ['web-1/frontend', 'web-/front-x-end'], ['web/frontend', 'web-1/front/end']],
  ];
  for (const [pattern, yes, no] of cases) {
    const compiled = repositoryPattern(pattern);
    for (const name of yes) assert.ok(compiled.matches(name), `${pattern} ${name}`);
    for (const name of no) assert.ok(!compiled.matches(name), `${pattern} ${name}`);
  }
});

test('what is no pattern is refused', () => {
  for (const text of [
    '',
    '/',
    'a//b',
    '/a',
    'a/',
    'A/b',
    'a/***',
    'a**',
    '**a',
    '../x',
    'a b',
    'a\\b',
    'a?',
    '['.repeat(3),
    'a/'.repeat(200),
  ]) {
    assert.throws(() => repositoryPattern(text), { code: 'ACCESS_PATTERN_INVALID' }, text);
  }
});

/** The same grammar as a regular expression: slow on hostile patterns, obviously right. */
function model(pattern: string): RegExp {
  const parts = pattern.split('/');
  let source = '';
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    if (part === '**') source += last ? (index === 0 ? '.*' : '.+') : '(?:[^/]+/)*';
    else source += part.replace(/[.]/g, '\\.').replaceAll('*', '[^/]*') + (last ? '' : '/');
  }
  return new RegExp(`^${source}$`);
}

test('matches as the regular expression does', () => {
  const part = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '*b', 'a*b', '**');
  const patterns = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const names = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'aab', 'abb', 'ba'), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join('/'));
  fc.assert(
    fc.property(patterns, names, (pattern, name) => {
      assert.equal(repositoryPattern(pattern).matches(name), model(pattern).test(name));
    }),
    { numRuns: 3_000 },
  );
});

test('a hostile pattern does not go back and forth', () => {
  const pattern = repositoryPattern(`${'*a'.repeat(100)}*b`);
  assert.equal(pattern.matches('a'.repeat(255)), false);
  const deep = repositoryPattern(`${'**/a/'.repeat(45)}b`);
  assert.equal(deep.matches(Array(127).fill('a').join('/')), false);
});
