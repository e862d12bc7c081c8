import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readErrorCatalogue, renderErrorCatalogue } from '../../scripts/error-catalogue.ts';

const ROOT = new URL('../../', import.meta.url);
const entries = await readErrorCatalogue();

test('an error code is declared once', () => {
  const codes = entries.map((entry) => entry.code);
  assert.deepEqual(
    codes.filter((code, at) => codes.indexOf(code) !== at),
    [],
  );
});

test('docs/errors.md lists every code (npm run docs writes it)', () => {
  assert.equal(readFileSync(new URL('docs/errors.md', ROOT), 'utf8'), renderErrorCatalogue(entries));
});

test('every declared code is raised somewhere', () => {
  const sources = globSync('src/**/*.ts', { cwd: ROOT })
    .filter((file) => !file.endsWith('errors.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(new URL(file, ROOT), 'utf8'))
    .join('\n');
  const baseCodes = new Set(['DISK_FULL', 'SYSTEM_ERROR']);
  const unused = entries.filter(({ code }) => !baseCodes.has(code) && !sources.includes(`'${code}'`));
  assert.deepEqual(
    unused.map(({ code, file }) => `${code} (${file})`),
    [],
  );
});

test('every declared code stands in a test', () => {
  const tests = globSync(['src/**/*.test.ts', 'src/**/*.test-suite.ts', 'test/**/*.ts'], { cwd: ROOT })
    .map((file) => readFileSync(new URL(file, ROOT), 'utf8'))
    .join('\n');
  const untested = entries.filter(({ code }) => !tests.includes(code));
  assert.deepEqual(
    untested.map(({ code, file }) => `${code} (${file})`),
    [],
  );
});
