/**
 * Runs the tests: `node test/run.ts [--unit] [FILTER…]`. Unit tests lie beside the code, the rest under test/.
 * Prints `N passed, N failed, N skipped` as its last line and exits non-zero on a failure, or when nothing ran.
 * With HERAKLIT_TEST_STRICT=1 (CI) every skip counts as a failure, but those for want of a cluster (KUBECONFIG) or of the npm registry.
 * Random tests draw from HERAKLIT_TEST_SEED, a number: what passed once on a commit passes again. Without it, and outside
 * CI, each run draws anew.
 */
import { globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const filters = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unitOnly = process.argv.includes('--unit');
const patterns = unitOnly
  ? ['src/**/*.test.ts', 'test/architecture/**/*.test.ts']
  : ['src/**/*.test.ts', 'test/**/*.test.ts'];
const files = globSync(patterns)
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();

/** Milliseconds of one file: a test that hangs must not use up what everything has. */
const FILE_TIME = 900_000;
/** Milliseconds after the last line: a process that a test left holds our pipes. */
const LINGER = 5_000;

const CI_SEED = '20261122';
const SEEDED = new URL('support/seeded.ts', import.meta.url).href;

let passed = 0;
let failed = 0;
const skipped: string[] = [];
const strict = process.env.HERAKLIT_TEST_STRICT === '1';

if (strict) process.env.HERAKLIT_TEST_SEED ??= CI_SEED;
const seeded = process.env.HERAKLIT_TEST_SEED === undefined ? [] : ['--import', SEEDED];
const stream = run({ files, concurrency: 2, timeout: FILE_TIME, execArgv: seeded });
stream.on('test:pass', (event) => {
  if (event.details.type === 'suite') return;
  if (event.skip === undefined) passed += 1;
  else skipped.push(`${event.name}: ${String(event.skip)}`);
});
stream.on('test:fail', (event) => {
  if (event.details.type !== 'suite') failed += 1;
});
stream.compose(spec).pipe(process.stdout);
stream.on('end', () => {
  process.nextTick(() => {
    // Neither a real cluster nor the npm registry can be had everywhere; any other reason, an error caught and called a
    // skip too, hides a test.
    const missing = strict ? skipped.filter((line) => !/KUBECONFIG not set(,|$)|: no npm registry/.test(line)) : [];
    for (const line of skipped) console.log(`skipped: ${line}`);
    for (const line of missing) console.log(`counted as failed (skipped): ${line}`);
    failed += missing.length;
    console.log(`${passed} passed, ${failed} failed, ${skipped.length - missing.length} skipped`);
    process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
    setTimeout(() => process.exit(), LINGER).unref();
  });
});
