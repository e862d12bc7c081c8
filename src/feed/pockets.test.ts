import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archiveOfRepository, defaultPockets, findPocket, knownDistributions, suiteKind } from './pockets.ts';

test('suites of the pockets', () => {
  assert.deepEqual(defaultPockets('debian/bullseye'), ['release', 'updates', 'security']);
  assert.deepEqual(
    ['release', 'updates', 'security', 'backports'].map((pocket) => findPocket('debian/trixie', pocket).suite),
    ['trixie', 'trixie-updates', 'trixie-security', 'trixie-backports'],
  );
  assert.deepEqual(defaultPockets('debian/sid'), ['release']);
  for (const distribution of knownDistributions()) {
    for (const pocket of defaultPockets(distribution)) {
      const found = findPocket(distribution, pocket);
      assert.equal(found.security, found.archive === 'security');
    }
  }
});

test('which tree a repository or an apt suite lies in', () => {
  assert.equal(archiveOfRepository('debian/trixie-security/main/amd64').archive, 'security');
  assert.equal(archiveOfRepository('debian/trixie-updates/main/amd64').archive, 'main');
  for (const [suite, kind] of [
    ['trixie', 'main'],
    ['stable-updates', 'main'],
    ['bookworm-security', 'security'],
    ['buster/updates', undefined],
    ['stable/updates', 'security'],
    ['third-party-bookworm', undefined],
    ['nodistro', undefined],
  ] as const) {
    assert.equal(suiteKind('debian', suite), kind, suite);
  }
  assert.equal(suiteKind('nixos', 'trixie'), undefined);
});
