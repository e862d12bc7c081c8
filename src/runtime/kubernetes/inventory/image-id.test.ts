import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readImageId } from './image-id.ts';

const hex = 'ab'.repeat(32);
const digest = `sha256:${hex}`;

test('every spelling of imageID is read', () => {
  const pullable = { digest, pullable: true };
  const local = { digest, pullable: false };
  assert.deepEqual(readImageId(`registry.example:5000/shop/web@${digest}`), pullable);
  assert.deepEqual(readImageId(`docker-pullable://shop/web@${digest}`), pullable);
  assert.deepEqual(readImageId(`docker.io/library/web:1@${digest}`), pullable);
  assert.deepEqual(readImageId(`docker://${digest}`), local);
  assert.deepEqual(readImageId(digest), local);
  assert.deepEqual(readImageId(hex), local);
});

test('what is no digest is no digest', () => {
  for (const text of [undefined, '', 'web:1', 'docker://', 'repo@sha256:short', `x${hex}`, 'sha256:']) {
    assert.equal(readImageId(text), undefined, String(text));
  }
});
