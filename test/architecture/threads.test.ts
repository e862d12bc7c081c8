/**
 * Threads are found by name beside the module that starts them. The compiled package holds one file for each source
 * that is called so (scripts/compile.ts): any other would start from a checkout, and nowhere else.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const sources = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));

test('every thread that a module starts is a file that gets compiled, under a name of its own', () => {
  const threads = new Set<string>();
  for (const file of sources) {
    const text = readFileSync(join(root, file), 'utf8');
    if (!text.includes("from 'node:worker_threads'") || !text.includes('new Worker(')) continue;
    const named = [...text.matchAll(/new URL\(`\.\/([^$`]+)\$\{/g)].map((match) => match[1] as string);
    assert.ok(named.length > 0, `${file} starts a thread that no \`new URL\` names`);
    for (const name of named) {
      const thread = join(dirname(file), `${name}.ts`);
      assert.ok(existsSync(join(root, thread)), `${file} starts ${thread}, which is not there`);
      assert.match(
        name,
        /-thread$/,
        `${file} starts ${thread}, which is not compiled: its name must end in -thread.ts`,
      );
      threads.add(thread);
    }
  }
  assert.ok(threads.size >= 4, 'the rule found the threads');
  assert.equal(new Set([...threads].map((thread) => basename(thread))).size, threads.size);
});

test('a file that ships with the package is found by packageFile: compiled code lies at another depth', () => {
  for (const file of sources) {
    if (file === 'src/base/package-file.ts') continue;
    const text = readFileSync(join(root, file), 'utf8');
    for (const [found] of text.matchAll(/new URL\((['"`])\.\.\/.*import\.meta\.url/g)) {
      assert.fail(`${file} looks beside itself: ${found}`);
    }
  }
});
