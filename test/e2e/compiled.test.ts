/** What bin/heraklit.js runs: what was compiled, as long as it is what the sources compile to. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/heraklit.js', import.meta.url));
const PREPARE = fileURLToPath(new URL('../../scripts/prepare.ts', import.meta.url));
const VITE = new URL('../../node_modules/vite/package.json', import.meta.url);
const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'heraklit-compiled-'));
after(() => rmSync(root, { recursive: true, force: true }));

const run = (): string =>
  execFileSync(process.execPath, [join(root, 'bin', 'heraklit.js')], { encoding: 'utf8' }).trim();
const says = (text: string): string => `export const main = async () => { console.log('${text}'); return 0; };\n`;
const list = (...paths: readonly string[]): void =>
  writeFileSync(
    join(root, 'dist', 'sources.json'),
    JSON.stringify(paths.map((path) => [path, statSync(join(root, path)).mtimeMs])),
  );

test('what was compiled runs until a source changes, comes or goes', () => {
  for (const folder of ['bin', 'src/cli', 'dist']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  copyFileSync(BIN, join(root, 'bin', 'heraklit.js'));
  const source = join(root, 'src', 'cli', 'main.ts');
  writeFileSync(source, says('source'));
  assert.equal(run(), 'source', 'nothing was compiled');

  writeFileSync(join(root, 'dist', 'main.js'), says('compiled'));
  const all = ['src', 'src/cli', 'src/cli/main.ts'];
  list(...all);
  assert.equal(run(), 'compiled');
  const older = statSync(source).mtime;
  execFileSync('touch', ['-d', '2001-01-01', source]);
  assert.equal(run(), 'source', 'a source was changed');
  execFileSync('touch', ['-d', older.toISOString(), source]);
  list(...all);
  execFileSync('touch', ['-d', '2001-01-01', join(root, 'src', 'cli')]);
  assert.equal(run(), 'source', 'a file came or went');
  list(...all);
  assert.equal(run(), 'compiled');
  writeFileSync(join(root, 'dist', 'sources.json'), '[[');
  assert.equal(run(), 'source', 'a broken list');

  rmSync(join(root, 'src'), { recursive: true });
  assert.equal(run(), 'compiled', 'an installed package has no sources');
});

test('compiling leaves a whole dist/ with a file for each thread, and does nothing a second time', (context) => {
  if (!existsSync(VITE)) {
    context.skip('vite not installed');
    return;
  }
  execFileSync(process.execPath, [PREPARE], { stdio: 'pipe' });
  const files = readdirSync(DIST);
  for (const file of ['main.js', 'sources.json', 'gunzip-thread.js', 'extract-thread.js', 'hash-thread.js']) {
    assert.ok(files.includes(file), file);
  }
  const before = statSync(join(DIST, 'sources.json')).mtimeMs;
  execFileSync(process.execPath, [PREPARE], { stdio: 'pipe' });
  assert.equal(statSync(join(DIST, 'sources.json')).mtimeMs, before);
});
