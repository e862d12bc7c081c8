import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { languageVersionOrder } from '../../src/language/versions/index.ts';

const PAIRS = 100_000;
/** A seed that stays: a difference found once is found again. */
const SEED = 20_260_101;

function pairsOf(parts: readonly string[]): readonly (readonly [string, string])[] {
  const version = fc
    .tuple(
      fc.constantFrom('0', '1', '1.0', '1.2', '10', '2.0.0', '1.10.3', '0.0.1'),
      fc.array(fc.constantFrom(...parts), { maxLength: 5 }),
    )
    .map(([start, more]) => start + more.join(''));
  return fc.sample(fc.tuple(version, version), { numRuns: PAIRS, seed: SEED });
}

/** @param program reads pairs as JSON, writes an array of signs, null where a version is none */
function signs(
  command: string,
  args: readonly string[],
  pairs: unknown,
  env: NodeJS.ProcessEnv = {},
): readonly (number | null)[] {
  const result = spawnSync(command, args, {
    input: JSON.stringify(pairs),
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
    encoding: 'utf8',
  });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

function compareAll(
  pairs: readonly (readonly [string, string])[],
  theirs: readonly (number | null)[],
  ours: (a: string, b: string) => number,
): number {
  let compared = 0;
  for (const [at, [a, b]] of pairs.entries()) {
    if (theirs[at] === null) continue;
    assert.equal(Math.sign(ours(a, b)), theirs[at], `${a} and ${b}`);
    compared += 1;
  }
  return compared;
}

test('npm: the order of npm’s own semver', (context) => {
  const found = spawnSync('sh', ['-c', 'readlink -f "$(command -v npm)"'], { encoding: 'utf8' });
  // npm carries its own; Debian's takes that of the system.
  const own = join(dirname(found.stdout.trim()), '../node_modules/semver');
  const module = [own, '/usr/share/nodejs/semver'].find((path) => existsSync(path));
  if (module === undefined) return context.skip('npm not installed');
  const pairs = pairsOf(['.0', '.1', '.10', '-rc', '-rc.1', '-1', '-alpha.beta', '+build', '.x', '.0-beta2', '-01']);
  const program = `const semver = require(process.argv[1]);
    const pairs = JSON.parse(require('node:fs').readFileSync(0));
    console.log(JSON.stringify(pairs.map(([a, b]) => semver.valid(a) && semver.valid(b) ? semver.compare(a, b) : null)));`;
  const theirs = signs(process.execPath, ['-e', program, module], pairs);
  assert.ok(compareAll(pairs, theirs, languageVersionOrder('npm')) > 1000);
});

test('Python: the order of packaging, as pip carries it', async (context) => {
  if (spawnSync('python3', ['--version']).error !== undefined) return context.skip('python3 not installed');
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const got = spawnSync('sh', [
    '-c',
    'cd "$1" && apt-get download -qq python3-pip-whl && dpkg-deb -x *.deb .',
    'sh',
    folder,
  ]);
  if (got.status !== 0) return context.skip('no Debian mirror');
  const wheels = join(folder, 'usr/share/python-wheels');
  const pip = (await readdir(wheels)).find((name) => name.startsWith('pip-')) as string;
  const pairs = pairsOf([
    '.0',
    '.1',
    '.10',
    'a1',
    '-rc.2',
    'b',
    'c1',
    '.post1',
    '-1',
    'r2',
    '.dev3',
    'dev',
    '+local.1',
    '+5',
    '_pre',
  ]);
  const program = `import json, sys
from pip._vendor.packaging.version import Version, InvalidVersion
def sign(a, b):
    try:
        a, b = Version(a), Version(b)
    except InvalidVersion:
        return None
    return (a > b) - (a < b)
print(json.dumps([sign(a, b) for a, b in json.load(sys.stdin)]))`;
  const theirs = signs('python3', ['-c', program], pairs, { PYTHONPATH: join(wheels, pip) });
  assert.ok(compareAll(pairs, theirs, languageVersionOrder('pypi')) > 10_000);
});
