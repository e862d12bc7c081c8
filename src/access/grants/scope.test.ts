import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { grantedPart, parseScopes, scopeAllows } from './scope.ts';

test('scopes as clients send them', () => {
  assert.deepEqual(parseScopes(['repository:team/app:pull,push']), [
    { type: 'repository', name: 'team/app', actions: ['pull', 'push'] },
  ]);
  assert.deepEqual(parseScopes(['repository:a:pull repository:b:pull', 'repository:a:push', 'repository:a:pull']), [
    { type: 'repository', name: 'a', actions: ['pull', 'push'] },
    { type: 'repository', name: 'b', actions: ['pull'] },
  ]);
  assert.deepEqual(parseScopes(['repository(plugin):a:*', 'registry:catalog:*']), [
    { type: 'repository', name: 'a', actions: ['*'] },
    { type: 'registry', name: 'catalog', actions: ['*'] },
  ]);
  assert.deepEqual(parseScopes(['', ' ']), []);
  assert.deepEqual(parseScopes(['repository:a:']), [{ type: 'repository', name: 'a', actions: [] }]);
});

test('what is no repository of ours grants nothing, also when its name is a path trick', () => {
  const names = ['../etc', 'a/../b', 'A', 'host:5000/team/app', '/a', 'a//b', 'a%2fb', '**', 'team/*'];
  assert.deepEqual(parseScopes(names.map((name) => `repository:${name}:pull`)), []);
  assert.deepEqual(parseScopes(['registry:other:*', 'galaxy:a:pull']), []);
});

test('what breaks the grammar is refused', () => {
  for (const scope of [
    'repository',
    'repository:a',
    ':a:pull',
    'repository:a:pull,,PUSH',
    'Repository:a:pull',
    'r(:a:pull',
  ]) {
    assert.throws(() => parseScopes([scope]), { code: 'ACCESS_SCOPE_INVALID' }, scope);
  }
  assert.throws(() => parseScopes(Array(65).fill('repository:a:pull')), { code: 'ACCESS_SCOPE_INVALID' });
  assert.throws(() => parseScopes([`repository:${'a'.repeat(9_000)}:pull`]), { code: 'ACCESS_SCOPE_INVALID' });
});

test('any text is read or refused; what is granted was asked for and allowed', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseScopes([text]);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ACCESS_SCOPE_INVALID');
      }
    }),
  );
  const actions = fc.subarray(['pull', 'push', 'delete', 'paint', '*']);
  const scopes = fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'team/c'), actions }));
  fc.assert(
    fc.property(scopes, fc.func(fc.boolean()), (asked, allows) => {
      const parsed = parseScopes(asked.map(({ name, actions }) => `repository:${name}:${actions.join(',')}`));
      const granted = grantedPart(parsed, allows);
      for (const name of ['a', 'b', 'team/c']) {
        for (const action of ['pull', 'push', 'delete'] as const) {
          const wanted = asked.some(
            (one) => one.name === name && (one.actions.includes(action) || one.actions.includes('*')),
          );
          assert.equal(scopeAllows(granted, name, action), wanted && allows(name, action));
        }
      }
      assert.ok(granted.every((one) => one.actions.length > 0 && !one.actions.includes('paint')));
    }),
  );
});
