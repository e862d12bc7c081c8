import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearestNames } from './nearest.ts';

test('edit distance counts a swap of neighbours once and stops at its limit', () => {
  assert.equal(editDistance('nginx', 'ngnix', 3), 1);
  assert.equal(editDistance('curl', 'culr', 3), 1);
  assert.equal(editDistance('abc', 'abc', 3), 0);
  assert.equal(editDistance('abc', 'xyzw', 2), 3);
  assert.equal(editDistance('', 'ab', 2), 2);
});

test('nearest first, prefixes after, at most five', () => {
  const names = ['python3', 'python3-dev', 'python', 'pythom', 'perl', 'python3:any'];
  assert.deepEqual(nearestNames('pyton3', names), ['python3', 'python']);
  assert.deepEqual(nearestNames('python3-', names), ['python3', 'python', 'python3-dev']);
});
