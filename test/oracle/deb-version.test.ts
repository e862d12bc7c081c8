import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareVersions, readStatus } from '../../src/distro/index.ts';

const PAIRS = 30_000;
const DPKG_PAIRS = 300;

type Pair = readonly [string, string];

/** Versions that look like real ones and share prefixes, so that comparisons reach the hard places. */
const piece = fc.constantFrom(
  '0',
  '1',
  '9',
  '10',
  '007',
  '~',
  '~~',
  '+',
  '.',
  '-',
  'a',
  'Z',
  'rc1',
  '~deb12u1',
  '+b1',
  '.1',
);
const tail = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
const epoch = fc.constantFrom('', '', '', '0:', '1:', '10:');
const version = fc.tuple(epoch, fc.constantFrom('1', '0', '12.4', '2'), tail).map((parts) => parts.join(''));
const near = fc.tuple(version, tail, tail).map(([common, a, b]): Pair => [common + a, common + b]);
const pairs = fc.oneof(near, fc.tuple(version, version));

/** A revision may not be empty; dpkg refuses such versions before comparing them. */
const isValid = (text: string): boolean => !text.endsWith('-');

function perlOrder(samples: readonly Pair[]): readonly number[] | undefined {
  const script =
    'use Dpkg::Version; while (<STDIN>) { chomp; my ($a, $b) = split / /; print version_compare($a, $b), "\\n" }';
  const perl = spawnSync('perl', ['-e', script], {
    input: samples.map((pair) => pair.join(' ')).join('\n'),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return perl.status === 0 ? perl.stdout.trim().split('\n').map(Number) : undefined;
}

test('versions compare as Dpkg::Version compares them', (context) => {
  const samples = fc.sample(pairs, { numRuns: PAIRS, seed: 12 }).filter((pair) => pair.every(isValid));
  assert.ok(samples.length > 20_000);
  const expected = perlOrder(samples);
  if (expected === undefined) return context.skip('libdpkg-perl not installed');
  for (const [i, [a, b]] of samples.entries()) assert.equal(compareVersions(a, b), expected[i], `${a} ? ${b}`);
});

test('versions compare as dpkg itself compares them', (context) => {
  if (spawnSync('dpkg', ['--version']).status !== 0) return context.skip('dpkg not installed');
  for (const [a, b] of fc.sample(pairs, { numRuns: DPKG_PAIRS, seed: 34 }).filter((pair) => pair.every(isValid))) {
    const isLower = spawnSync('dpkg', ['--compare-versions', a, 'lt', b]).status === 0;
    const isEqual = spawnSync('dpkg', ['--compare-versions', a, 'eq', b]).status === 0;
    assert.equal(compareVersions(a, b), isLower ? -1 : isEqual ? 0 : 1, `${a} ? ${b}`);
  }
});

test('real versions of this machine, each against its neighbours in order', (context) => {
  let database: Buffer;
  try {
    database = readFileSync('/var/lib/dpkg/status');
  } catch {
    return context.skip('dpkg not installed');
  }
  const { packages, problems } = readStatus(database);
  assert.deepEqual(problems, []);
  const sorted = packages.map((installed) => installed.version).sort(compareVersions);
  const samples = sorted.slice(1).map((higher, i): Pair => [sorted[i] as string, higher]);
  const expected = perlOrder(samples);
  if (expected === undefined) return context.skip('libdpkg-perl not installed');
  assert.deepEqual(
    samples.filter((_, i) => (expected[i] as number) > 0),
    [],
  );
});
