import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { formatRelations, LazyRelations, MAX_RELATION_LENGTH, parseProvides, parseRelations } from './relations.ts';

test('alternatives, versions, qualifiers, folded lines, stray commas', () => {
  assert.deepEqual(
    parseRelations('libc6 (>= 2.34), default-mta | mail-transport-agent,\n python3:any(<<3.14~), x (=1),'),
    [
      [{ name: 'libc6', operator: '>=', version: '2.34' }],
      [{ name: 'default-mta' }, { name: 'mail-transport-agent' }],
      [{ name: 'python3', qualifier: 'any', operator: '<<', version: '3.14~' }],
      [{ name: 'x', operator: '=', version: '1' }],
    ],
  );
  assert.deepEqual(parseRelations('a (< 1), b (> 2)'), [
    [{ name: 'a', operator: '<=', version: '1' }],
    [{ name: 'b', operator: '>=', version: '2' }],
  ]);
  assert.deepEqual(parseRelations(''), []);
});

test('architecture lists and build profiles', () => {
  const names = (text: string, architecture?: string, profiles: string[] = []): string =>
    formatRelations(parseRelations(text, { ...(architecture ? { architecture } : {}), profiles }));
  assert.equal(names('a [amd64 i386] | b [!amd64], c [linux-any], d [any-arm64], e [hurd-any]', 'amd64'), 'a, c');
  assert.equal(names('a [amd64] | b [!amd64]', 'arm64'), 'b');
  assert.equal(names('a [amd64] | b'), 'a | b');
  assert.equal(names('a <!nocheck>, b <stage1> <cross>, c (>= 1) [amd64] <!stage1 !cross>', 'amd64'), 'a, c (>= 1)');
  assert.equal(names('a <!nocheck>, b <stage1> <cross>', 'amd64', ['cross', 'nocheck']), 'b');
});

test('provides', () => {
  assert.deepEqual(parseProvides('a, b (= 2)'), [{ name: 'a' }, { name: 'b', operator: '=', version: '2' }]);
});

test('nonsense and excess are coded errors', () => {
  for (const text of ['a (1)', 'a (>= )', 'a b', '(>= 1)', 'a | | b', 'a (>= 1', '|', 'ä']) {
    assert.throws(
      () => parseRelations(text),
      (error) => isHeraklitError(error, 'DISTRO_RELATION_INVALID'),
      text,
    );
  }
  const long = 'a,'.repeat(MAX_RELATION_LENGTH / 2 + 1);
  assert.throws(
    () => parseRelations(long),
    (error) => isHeraklitError(error, 'DISTRO_CONTROL_LIMIT'),
  );
});

test('lazy relations never throw: an unreadable dependency becomes one that nothing meets', () => {
  const relations = new LazyRelations(['libc6, what (is this', '', '', '', '', '', 'a (= 1)']);
  assert.deepEqual(relations.depends, [[{ name: 'libc6' }], [{ name: 'what (is this' }]]);
  assert.deepEqual(relations.conflicts, []);
  assert.deepEqual(JSON.parse(JSON.stringify(relations)).provides, [{ name: 'a', operator: '=', version: '1' }]);
});

test('written and read again is the same', () => {
  const relation = fc.record(
    { name: fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,8}$/), qualifier: fc.constantFrom('any', 'amd64') },
    { requiredKeys: ['name'], noNullPrototype: true },
  );
  const versioned = fc.tuple(
    relation,
    fc.constantFrom('<<', '<=', '=', '>=', '>>'),
    fc.stringMatching(/^[0-9][a-z0-9+.~-]{0,6}$/),
  );
  const group = fc.array(
    fc.oneof(
      relation,
      versioned.map(([r, operator, version]) => ({ ...r, operator, version })),
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  );
  fc.assert(
    fc.property(fc.array(group, { maxLength: 4 }), (groups) => {
      assert.deepEqual(parseRelations(formatRelations(groups)), groups);
    }),
  );
});
