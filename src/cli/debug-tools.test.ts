import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parseRecipe } from '../recipe/index.ts';
import { TOOLS_RECIPE } from './debug-tools.ts';

test('the recipe of the tools is one, and stands in the documentation as it is', async () => {
  assert.equal(parseRecipe(TOOLS_RECIPE).scripts, 'none');
  assert.ok((await readFile(new URL('../../docs/debug.md', import.meta.url), 'utf8')).includes(TOOLS_RECIPE));
});
