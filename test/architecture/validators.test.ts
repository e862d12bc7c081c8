import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COMPILED_SCHEMAS, renderValidator } from '../../scripts/validators.ts';

for (const name of COMPILED_SCHEMAS) {
  test(`the compiled validator of ${name} is that of its schema`, () => {
    const file = new URL(`../../schemas/${name}.validate.cjs`, import.meta.url);
    assert.equal(readFileSync(file, 'utf8'), renderValidator(name), 'run npm run docs');
  });
}
