import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Recipe } from '../../recipe/index.ts';
import { otherPlatforms } from './platforms.ts';

const recipe = (platforms?: readonly string[]): Recipe => ({
  apiVersion: 'heraklit/v1',
  kind: 'Image',
  name: 'web',
  ...(platforms === undefined ? {} : { platforms }),
});

test('what is not built here is told; a recipe for other machines alone is refused', () => {
  assert.deepEqual(otherPlatforms(recipe(), 'amd64'), []);
  assert.deepEqual(otherPlatforms(recipe(['linux/amd64']), 'amd64'), []);
  assert.deepEqual(otherPlatforms(recipe(['linux/amd64', 'linux/arm64']), 'amd64'), ['linux/arm64']);
  assert.deepEqual(otherPlatforms(recipe(['linux/arm64/v8', 'linux/amd64']), 'arm64'), ['linux/amd64']);
  assert.throws(() => otherPlatforms(recipe(['linux/arm64']), 'amd64'), {
    code: 'COMPOSE_PLATFORM',
    message: 'web is for linux/arm64, and linux/amd64 is built here',
  });
  assert.throws(() => otherPlatforms(recipe(['linux/arm/v6']), 'armhf'), { code: 'COMPOSE_PLATFORM' });
});
