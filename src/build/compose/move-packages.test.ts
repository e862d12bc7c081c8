import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RepositoryPackage, type RepositorySnapshot, readPackagesIndex } from '../../distro/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import { asksOf, driftOf, recipeDigest } from './asks.ts';
import { formatLock, formatLocks, parseLock, parseLocks } from './lock.ts';
import type { Lock } from './lock-form.ts';
import { movePackages } from './move-packages.ts';
import { reachable } from './reachable.ts';
import { type ResolveInput, resolve } from './resolve.ts';

const SHA = 'a'.repeat(64);

/** `name version field: value; field: value` */
function pocket(name: string, lines: readonly string[]): RepositorySnapshot {
  const id = `debian/${name}/main/amd64`;
  const stanzas = lines.map((line) => {
    const [, item, version, fields = ''] = /^(\S+) (\S+) ?(.*)$/.exec(line) ?? [];
    const known = `Package: ${item}\nVersion: ${version}\nArchitecture: amd64\nFilename: p/${item}_${version}\nSHA256: ${SHA}\nSize: 5\n`;
    return known + fields.split('; ').join('\n');
  });
  return {
    ...{ id, distribution: 'debian/test', pocket: name, suite: name, component: 'main', architecture: 'amd64' },
    ...{ security: false, date: 7, releaseDigest: SHA, notAutomatic: false },
    packages: readPackagesIndex(Buffer.from(`${stanzas.join('\n\n')}\n`), { id, security: false }),
  };
}

const RELEASE = pocket('release', [
  'web 1 Depends: web-common (= 1), libssl (>= 1), libxml',
  'web-common 1',
  'libssl 1 Source: openssl',
  'openssl 1 Source: openssl; Depends: libssl (= 1)',
  'libxml 1 Depends: libicu72',
  'libicu72 1',
  'tool 1',
]);
const UPDATES = pocket('updates', [
  'web 2 Depends: web-common (= 2), libssl (>= 2)',
  'web-common 2',
  'libssl 2 Source: openssl',
  'openssl 2 Source: openssl; Depends: libssl (= 2)',
  'libxml 2 Depends: libicu74',
  'libicu74 1',
  'tool 2',
]);

const RECIPE: Recipe = {
  ...{ apiVersion: 'heraklit/v1', kind: 'Image', name: 'web', distribution: 'debian/test', scripts: 'none' },
  packages: ['web', 'openssl', 'tool'],
};

const input = (repositories: readonly RepositorySnapshot[], recipe: Recipe = RECIPE): ResolveInput => ({
  ...{ recipe, architecture: 'amd64', distribution: 'debian/test', repositories, base: undefined, installed: [] },
});

const LOCK: Lock = { ...resolve(input([RELEASE])), epoch: 1 };
const KNOWN = {
  packages: RELEASE.packages.filter(({ name }) => LOCK.packages.some((item) => item.name === name)),
  snapshot: undefined,
};

const versions = ({ packages }: Pick<Lock, 'packages'>): string =>
  packages.map(({ name, version }) => `${name}=${version}`).join(' ');

function move(names: readonly string[], recipe = RECIPE): string {
  return versions(movePackages(input([RELEASE, UPDATES], recipe), LOCK, names, KNOWN));
}

test('one package moves with what it needs, and all else stays', () => {
  const before = 'libicu72=1 libssl=1 libxml=1 openssl=1 tool=1 web=1 web-common=1';
  assert.equal(versions(LOCK), before);
  assert.equal(move(['tool']), before.replace('tool=1', 'tool=2'));
  assert.equal(move(['openssl']), before.replace('libssl=1', 'libssl=2').replace('openssl=1', 'openssl=2'));
  assert.equal(move(['src:openssl']), move(['openssl']));
  assert.equal(move(['lib*ssl', 'openssl']), move(['openssl']));
  // The new web needs a newer libssl, whose openssl must follow; libxml and what it needed are not needed any more.
  assert.equal(move(['web']), 'libssl=2 openssl=2 tool=1 web=2 web-common=2');
  assert.equal(move(['libxml']), before.replace('libicu72', 'libicu74').replace('libxml=1', 'libxml=2'));
});

test('all moved one after another is what choosing anew gives', () => {
  const all = LOCK.packages.map(({ name }) => name);
  assert.equal(move(all), versions(resolve(input([RELEASE, UPDATES]))));
});

test('moving takes in what the recipe newly asks for, within its limits', () => {
  const limited = { ...RECIPE, packages: ['web (<< 2)', 'openssl', 'tool (>= 2)'] };
  assert.equal(move(['web'], limited), versions(LOCK).replace('tool=1', 'tool=2'));
  const fewer = { ...RECIPE, packages: ['tool'] };
  assert.equal(move(['tool'], fewer), 'tool=2');
});

test('what is on hold stays, or is refused; what is not locked cannot move', () => {
  const held = { ...RECIPE, hold: ['libssl'] };
  assert.equal(move(['tool'], held), versions(LOCK).replace('tool=1', 'tool=2'));
  assert.throws(() => move(['openssl'], held), { code: 'COMPOSE_HELD', message: /libssl would have to change/ });
  assert.throws(() => move(['opnessl']), { code: 'COMPOSE_NOT_LOCKED', hint: 'Did you mean openssl?' });
  assert.throws(() => move(['no*thing']), { code: 'COMPOSE_NOT_LOCKED' });
  const sources = input([RELEASE, UPDATES], { ...RECIPE, packages: ['openssl', 'tool'], hold: ['src:openssl'] });
  const kept = { ...KNOWN, packages: KNOWN.packages.filter(({ source }) => source.name === 'openssl') };
  assert.equal(versions(resolve(sources, kept)), 'libssl=1 openssl=1 tool=2');
  const one = { ...kept, packages: kept.packages.filter(({ name }) => name === 'libssl') };
  assert.throws(() => resolve(sources, one), { code: 'SOLVE_CONFLICT', message: /pins leave libssl at 1$/ });
});

test('a package that no index has any more stays locked all the same', () => {
  const gone = {
    ...RELEASE,
    id: 'lock',
    notAutomatic: true,
    packages: KNOWN.packages.filter(({ name }) => name === 'libxml'),
  };
  const rest = { ...RELEASE, packages: RELEASE.packages.filter(({ name }) => name !== 'libxml') };
  const draft = movePackages(input([rest, UPDATES]), LOCK, ['tool'], { ...KNOWN, snapshot: gone });
  assert.equal(versions(draft), versions(LOCK).replace('tool=1', 'tool=2'));
});

test('what is needed, by names that are provided and at versions that count', () => {
  const find = (lines: readonly string[], root: string, recommends = false): string =>
    [...reachable(pocket('x', lines).packages as RepositoryPackage[], [root], recommends)].sort().join(' ');
  assert.equal(find(['a 1 Depends: mail', 'm 1 Provides: mail', 'n 1 Provides: mail (= 2)', 'o 1'], 'a'), 'a m n');
  assert.equal(find(['a 1 Depends: mail (>= 2)', 'm 1 Provides: mail', 'n 1 Provides: mail (= 2)'], 'a'), 'a n');
  assert.equal(find(['a 1 Pre-Depends: b; Recommends: c', 'b 1 Depends: a', 'c 1'], 'a'), 'a b');
  assert.equal(find(['a 1 Pre-Depends: b; Recommends: c', 'b 1 Depends: a', 'c 1'], 'a', true), 'a b c');
});

test('drift is named: what was asked, and what is asked now', () => {
  const drift = (recipe: Recipe, architecture = 'amd64') => driftOf(LOCK, recipe, architecture, undefined);
  assert.deepEqual(drift(RECIPE), []);
  assert.deepEqual(drift({ ...RECIPE, hold: ['x'], files: [], users: [] }), []);
  assert.deepEqual(drift({ ...RECIPE, packages: ['web', 'openssl (>= 2)'], recommends: true }), [
    'now asked for: recommends true',
    'now asked for: package openssl (>= 2)',
    'no longer asked for: recommends false',
    'no longer asked for: package openssl',
    'no longer asked for: package tool',
  ]);
  assert.deepEqual(drift({ ...RECIPE, packages: ['tool', 'openssl', 'web'] }), ['the recipe asks in another order']);
  assert.deepEqual(drift(RECIPE, 'arm64'), ['it is for amd64, arm64 is built']);
  const pinned = { ...RECIPE, pins: [{ packages: ['web'], version: '1', priority: 1001 }], exclude: ['x'] };
  assert.deepEqual(drift(pinned), ['now asked for: pin web from version 1 priority 1001', 'now asked for: exclude x']);
  const { asks: _, ...old } = LOCK;
  assert.deepEqual(driftOf({ ...old, recipe: 'other' }, RECIPE, 'amd64', undefined), [
    'the recipe asks for something else',
  ]);
  assert.notEqual(recipeDigest(pinned, 'amd64'), recipeDigest(RECIPE, 'amd64'));
});

test('a lock keeps what was asked in words; locks of several architectures share a file', () => {
  const recipe = { ...RECIPE, packages: ['web (>= 1, << 2)', 'g++=4:14.2', 'libc6:amd64', 'yes'] };
  const lock: Lock = { ...LOCK, asks: asksOf(recipe) };
  assert.deepEqual(parseLock(formatLock(lock)), lock);
  assert.deepEqual(parseLock(formatLock({ ...lock, asks: [] })).asks, []);
  const other = { ...lock, architecture: 'arm64' };
  const text = formatLocks([other, lock]);
  assert.deepEqual(parseLocks(text), [lock, other]);
  assert.deepEqual(parseLocks(formatLock(lock)), [lock]);
  assert.throws(() => parseLocks(formatLocks([lock, lock])), { code: 'COMPOSE_LOCK_INVALID' });
  assert.throws(() => parseLock(formatLock({ ...lock, asks: [5 as unknown as string] })), {
    code: 'COMPOSE_LOCK_INVALID',
  });
});
