import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { apkEcosystem } from '../../src/distro/apk/index.ts';
import { isVersion } from '../../src/distro/apk/version.ts';
import { apkTool } from '../support/apk-tool.ts';
import { apkPairs, brokenApkPairs } from '../support/apk-versions.ts';
import { answersOf, type VersionPair } from '../support/version-pairs.ts';

const RECORDED = new URL('../fixtures/apk/version-order.gz', import.meta.url);
const [order = '', brokenOrder = '', , brokenValidity = ''] = gunzipSync(readFileSync(RECORDED)).toString().split('\n');

function compareAll(pairs: readonly VersionPair[], expected: string): void {
  assert.equal(pairs.length, expected.length);
  const found = answersOf(pairs.map(([a, b]) => apkEcosystem.compareVersions(a, b)));
  const wrong = pairs.filter((_, at) => found[at] !== expected[at]);
  assert.deepEqual(wrong.slice(0, 10), []);
}

test('150,000 pairs of versions stand in the order that apk-tools recorded', () => {
  assert.ok(order.length >= 150_000);
  compareAll(apkPairs(order.length), order);
});

test('50,000 pairs with broken versions, too, and it tells the valid ones', () => {
  const pairs = brokenApkPairs(brokenOrder.length);
  compareAll(pairs, brokenOrder);
  assert.equal(pairs.map(([a]) => (isVersion(a) ? '1' : '0')).join(''), brokenValidity);
});

// No Debian suite has apk: where somebody brings one, it is asked again.
if (apkTool !== undefined) {
  const tool = apkTool;
  test('apk itself still answers as recorded', () => {
    for (const [at, pair] of apkPairs(400).entries()) {
      const { stdout } = spawnSync(tool, ['version', '-t', ...pair], { encoding: 'utf8' });
      assert.equal(stdout.trim(), order[at], pair.join(' ? '));
    }
  });
}
