import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from './challenge.ts';

test('challenges as registries send them', () => {
  assert.deepEqual(
    parseChallenges(
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a:pull,push"',
    ),
    [
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.example/token',
          service: 'registry.example',
          scope: 'repository:a:pull,push',
        },
      },
    ],
  );
  assert.deepEqual(parseChallenges('Basic realm="a \\"quoted\\" name"'), [
    { scheme: 'basic', parameters: { realm: 'a "quoted" name' } },
  ]);
  assert.deepEqual(
    parseChallenges('Negotiate, Basic realm=plain, Bearer realm="x"').map(({ scheme }) => scheme),
    ['negotiate', 'basic', 'bearer'],
  );
  assert.deepEqual(parseChallenges(''), []);
});

test('no header crashes or hangs the parser', () => {
  fc.assert(fc.property(fc.string({ maxLength: 2_000 }), (text) => Array.isArray(parseChallenges(text))));
  assert.deepEqual(parseChallenges('Bearer '.repeat(10_000)), []);
});
