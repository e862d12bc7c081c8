import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ecosystemOf } from '../../src/distro/index.ts';

const { compareVersions } = ecosystemOf('rpm');

const PAIRS = 120_000;

type Pair = readonly [string, string];

/** Versions that look like real ones and share prefixes, so that comparisons reach the hard places. */
const piece = fc.constantFrom(
  ...['0', '1', '9', '10', '007', '~', '~~', '^', '^^', '+', '.', '..', '_', '-', 'a', 'Z', 'rc1', 'el9'],
  ...['fc42', '.1', '20260101', 'git1a2b', '1000000000000000000000', 'é', '%'],
);
const tail = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
const epoch = fc.constantFrom('', '', '', '0:', '1:', '10:', '01:');
const version = fc.tuple(epoch, fc.constantFrom('1', '0', '12.4', '2', 'a'), tail).map((parts) => parts.join(''));
const near = fc.tuple(version, tail, tail).map(([common, a, b]): Pair => [common + a, common + b]);
const pairs = fc.oneof(near, fc.tuple(version, version));

/** What rpm itself says of all pairs, in one process; undefined where there is no rpm. */
function rpmOrder(samples: readonly Pair[]): readonly number[] | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'heraklit-rpm-version-'));
  try {
    const file = join(folder, 'pairs');
    writeFileSync(file, samples.map((pair) => `${pair.join(' ')}\n`).join(''));
    const script = `for l in io.lines("${file}") do local a, b = l:match("(%S+) (%S+)"); print(rpm.vercmp(a, b) .. " ") end`;
    const rpm = spawnSync('rpm', ['--eval', `%{lua: ${script}}`], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    return rpm.status === 0 ? rpm.stdout.trim().split(/\s+/).map(Number) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** rpm refuses an empty version or release before it compares. */
const isValid = (text: string): boolean => !/[:-]$|:-/.test(text) && !text.includes('--') && text !== '';

test('versions compare as rpm compares them', (context) => {
  const samples = fc.sample(pairs, { numRuns: PAIRS, seed: 12 }).filter((pair) => pair.every(isValid));
  assert.ok(samples.length > 100_000, `${samples.length}`);
  const expected = rpmOrder(samples);
  if (expected === undefined) return context.skip('rpm not installed');
  assert.equal(expected.length, samples.length);
  for (const [i, [a, b]] of samples.entries()) assert.equal(compareVersions(a, b), expected[i], `${a} ? ${b}`);
});
