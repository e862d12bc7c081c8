import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const SOURCES = join(import.meta.dirname, '../../scripts/inflate');

test('data/inflate.wasm is what the compiler makes of its source', (context) => {
  const compiler = join(SOURCES, 'node_modules/assemblyscript/bin/asc.js');
  if (!existsSync(compiler)) {
    context.skip('assemblyscript not installed (npm ci in scripts/inflate)');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'heraklit-inflate-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const made = join(folder, 'inflate.wasm');
  const options = ['inflate.ts', '--config', 'asconfig.json', '--outFile', made];
  execFileSync(process.execPath, [compiler, ...options], { cwd: SOURCES, stdio: 'pipe', timeout: 300_000 });
  assert.ok(readFileSync(made).equals(readFileSync(join(SOURCES, '../../data/inflate.wasm'))));
});
