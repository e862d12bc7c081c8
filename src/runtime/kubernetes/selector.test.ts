import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looksAt, selectorText, selects } from './selector.ts';

test('a selector is spelled as the query parameter wants it', () => {
  const matchExpressions = [
    { key: 'tier', operator: 'In', values: ['a', 'b'] },
    { key: 'zone', operator: 'NotIn', values: ['x'] },
    { key: 'app.kubernetes.io/name', operator: 'Exists' },
    { key: 'old', operator: 'DoesNotExist' },
  ];
  assert.equal(
    selectorText({ matchLabels: { app: 'web' }, matchExpressions }),
    'app=web,tier in (a,b),zone notin (x),app.kubernetes.io/name,!old',
  );
  assert.equal(selectorText({}), '');
});

test('a Service without a selector selects nothing; one with it, what has all its labels', () => {
  assert.equal(selects(undefined, { app: 'web' }), false);
  assert.equal(selects({}, { app: 'web' }), false);
  assert.equal(selects({ app: 'web' }, { app: 'web', tier: 'x' }), true);
  assert.equal(selects({ app: 'web', tier: 'y' }, { app: 'web', tier: 'x' }), false);
});

test('a policy looks at the labels that it names, by value or by existence', () => {
  assert.equal(looksAt({ matchLabels: { app: 'db' } }, 'app'), true);
  assert.equal(looksAt({ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, 'app'), true);
  assert.equal(looksAt({}, 'app'), false);
});
