import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RepositorySnapshot, readPackagesIndex, readStatus } from '../distro/index.ts';
import { indexCandidates, resolveCandidates } from './candidates.ts';

const stanza = (name: string, version: string, architecture = 'amd64'): string =>
  `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nFilename: x\nSize: 1\nSHA256: ${'a'.repeat(64)}\n`;

function snapshot(pocket: string, stanzas: string[], more: Partial<RepositorySnapshot> = {}): RepositorySnapshot {
  const security = pocket === 'security';
  const id = `debian/trixie-${pocket}/main/amd64`;
  return {
    id,
    distribution: 'debian/trixie',
    pocket,
    suite: pocket,
    component: 'main',
    architecture: 'amd64',
    security,
    date: 0,
    releaseDigest: '',
    notAutomatic: false,
    packages: readPackagesIndex(Buffer.from(stanzas.join('\n')), { id, security }),
    ...more,
  };
}

const installed = (name: string, version: string, architecture = 'amd64', want = 'install') =>
  readStatus(
    Buffer.from(`Package: ${name}\nStatus: ${want} ok installed\nArchitecture: ${architecture}\nVersion: ${version}\n`),
  ).packages;

const BACKPORTS = { notAutomatic: true, butAutomaticUpgrades: true };

test('the newest of the usual pockets; nothing older, nothing equal, nothing foreign', () => {
  const snapshots = [
    snapshot('release', [stanza('a', '1'), stanza('b', '5'), stanza('c', '2', 'i386')]),
    snapshot('security', [stanza('a', '2'), stanza('b', '4')]),
    snapshot('updates', [stanza('a', '3')]),
  ];
  const index = indexCandidates(snapshots);
  const resolve = (...one: Parameters<typeof installed>) =>
    resolveCandidates(installed(...one), index).map(({ candidate, security, held }) => [
      candidate.version,
      security,
      held,
    ]);
  assert.deepEqual(resolve('a', '1'), [['3', true, false]]);
  assert.deepEqual(resolve('a', '2'), [['3', false, false]]);
  assert.deepEqual(resolve('a', '1', 'amd64', 'hold'), [['3', true, true]]);
  assert.deepEqual(resolve('a', '3'), []);
  assert.deepEqual(resolve('a', '4'), []);
  assert.deepEqual(resolve('b', '4.5'), [['5', false, false]]);
  assert.deepEqual(resolve('c', '1'), []);
  assert.deepEqual(resolve('c', '1', 'i386'), [['2', false, false]]);
  assert.deepEqual(resolve('absent', '1'), []);
  assert.deepEqual(resolveCandidates(installed('a', '1'), snapshots).length, 1);
});

test('a version that stands in two pockets is security when one of them is', () => {
  const [found] = resolveCandidates(installed('a', '1'), [
    snapshot('release', [stanza('a', '2')]),
    snapshot('security', [stanza('a', '2')]),
  ]);
  assert.equal(found?.security, true);
  assert.equal(found?.candidate.repository, 'debian/trixie-security/main/amd64');
});

test('a package may change between all and native', () => {
  const snapshots = [snapshot('release', [stanza('a', '2', 'all'), stanza('b', '2')])];
  assert.equal(resolveCandidates(installed('a', '1', 'amd64'), snapshots).length, 1);
  assert.equal(resolveCandidates(installed('b', '1', 'all'), snapshots).length, 1);
  assert.equal(resolveCandidates(installed('a', '1', 'i386'), snapshots).length, 0);
});

test('backports upgrade only what came from them; experimental upgrades nothing', () => {
  const release = snapshot('release', [stanza('a', '1')]);
  const backports = snapshot('backports', [stanza('a', '3~bpo'), stanza('only', '2')], BACKPORTS);
  const resolve = (version: string, ...more: RepositorySnapshot[]) =>
    resolveCandidates(installed('a', version), [release, ...more]).map(({ candidate }) => candidate.version);
  assert.deepEqual(resolve('1', backports), []);
  assert.deepEqual(resolve('2~bpo', backports), ['3~bpo']);
  const experimental = snapshot('experimental', [stanza('a', '9')], { notAutomatic: true });
  assert.deepEqual(resolve('2~bpo', experimental), []);
  assert.deepEqual(resolve('0', experimental), ['1']);
});
