import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lintPage } from '../../scripts/lint-rules.ts';
import { DOCKERFILE_RULES, IMAGE_RULES } from '../../src/lint/index.ts';

test('docs/lint.md lists every rule (npm run docs writes it)', () => {
  assert.equal(readFileSync(new URL('../../docs/lint.md', import.meta.url), 'utf8'), lintPage());
});

test('a rule’s id is a word of its own, for images and Dockerfiles together', () => {
  const ids = [...IMAGE_RULES, ...DOCKERFILE_RULES].map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/);
});
