import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { archEcosystem } from '../../src/distro/arch/index.ts';
import { archPairs } from '../support/arch-versions.ts';
import type { VersionPair } from '../support/version-pairs.ts';

const PAIRS = 150_000;
const TOOL_PAIRS = 200;

/** libalpm's own function, many times in one process. */
const SCRIPT = `
import ctypes, ctypes.util, sys
vercmp = ctypes.CDLL(ctypes.util.find_library('alpm')).alpm_pkg_vercmp
vercmp.argtypes = [ctypes.c_char_p] * 2
for line in sys.stdin.buffer:
    print(vercmp(*line.rstrip(b'\\n').split(b' ')))
`;

function alpmOrder(pairs: readonly VersionPair[]): readonly number[] | undefined {
  const python = spawnSync('python3', ['-c', SCRIPT], {
    input: pairs.map((pair) => `${pair.join(' ')}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return python.status === 0 ? python.stdout.trim().split('\n').map(Number) : undefined;
}

test('150,000 pairs of versions stand in the order of libalpm', (context) => {
  const pairs = archPairs(PAIRS);
  const expected = alpmOrder(pairs);
  if (expected === undefined) return context.skip('libalpm or python3 not installed');
  const wrong = pairs.filter(
    ([a, b], at) => archEcosystem.compareVersions(a, b) !== Math.sign(expected[at] ?? Number.NaN),
  );
  assert.deepEqual(wrong.slice(0, 10), []);
});

test('vercmp says the same', (context) => {
  if (spawnSync('vercmp', ['1', '2']).status !== 0) return context.skip('makepkg not installed');
  for (const pair of archPairs(TOOL_PAIRS)) {
    const { stdout } = spawnSync('vercmp', [...pair], { encoding: 'utf8' });
    assert.equal(archEcosystem.compareVersions(...pair), Math.sign(Number(stdout)), pair.join(' ? '));
  }
});
