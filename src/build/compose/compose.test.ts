import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeraklitError } from '../../base/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import { recipeDigest } from './asks.ts';
import { findOverlaps } from './conflicts.ts';
import { groupPackages } from './groups.ts';
import { formatLock, parseLock } from './lock.ts';
import type { Lock, LockedPackage } from './lock-form.ts';
import { canonicalEntry, canonicalPath, imagePath } from './merged-usr.ts';
import { dependencyOrder } from './package-order.ts';
import type { PackageRecord } from './package-record.ts';
import { parseRequest } from './requests.ts';
import { timezoneItems } from './timezone.ts';
import { registerTriggers } from './triggers.ts';
import { accountItems } from './users.ts';
import { judge } from './volatile.ts';

const HASH = 'a'.repeat(64);

function locked(name: string, size = 1000, source = name): LockedPackage {
  return {
    name,
    version: '1',
    architecture: 'amd64',
    source,
    repository: 'r',
    filename: `pool/${name}.deb`,
    size,
    sha256: HASH,
  };
}

function record(name: string, control = '', paths: readonly string[] = [], triggers = ''): PackageRecord {
  return {
    ...{
      sha256: HASH,
      name,
      version: '1',
      architecture: 'amd64',
      multiArch: 'no',
      conffiles: [],
      scripts: [],
      mtime: 1,
    },
    ...{ control: `Package: ${name}\nVersion: 1\n${control}`, paths, triggers },
  };
}

const LOCK: Lock = {
  ...{
    apiVersion: 'heraklit/v1',
    kind: 'Lock',
    recipe: 'sha256:x',
    distribution: 'debian/trixie',
    architecture: 'amd64',
  },
  epoch: 17,
  repositories: [{ id: 'debian/trixie/main/amd64', suite: 'trixie', date: 5, release: HASH }],
  packages: [locked('a'), { ...locked('b'), version: '1e3' }, { ...locked('c'), version: '1:2.0-1~deb13u1' }],
};

test('a lock reads back what was written, and anything else is refused', () => {
  assert.deepEqual(parseLock(formatLock(LOCK)), LOCK);
  assert.equal(formatLock(parseLock(formatLock(LOCK))), formatLock(LOCK));
  const text = formatLock(LOCK);
  for (const broken of [
    '',
    '[',
    'a: &a 1\nb: *a',
    text.replace('kind: Lock', 'kind: Other'),
    text.replace(HASH, 'zz'),
    text.replace('pool/a.deb', '../../a.deb'),
    text.replace('epoch: 17', 'epoch: x'),
    text.replace('size: 1000', 'size: -1'),
  ]) {
    assert.throws(
      () => parseLock(broken),
      (error) => isHeraklitError(error, 'COMPOSE_LOCK_INVALID'),
      broken.slice(0, 60),
    );
  }
});

test('a lock depends on what decides the package set, not on files or config', () => {
  const recipe: Recipe = {
    apiVersion: 'heraklit/v1',
    kind: 'Image',
    name: 'a',
    distribution: 'debian/trixie',
    packages: ['x'],
  };
  const same = recipeDigest(recipe, 'amd64');
  assert.equal(recipeDigest({ ...recipe, name: 'b', config: { cmd: ['x'] } }, 'amd64'), same);
  assert.notEqual(recipeDigest({ ...recipe, packages: ['y'] }, 'amd64'), same);
  assert.notEqual(recipeDigest(recipe, 'arm64'), same);
  assert.deepEqual(parseRequest('libc6:amd64=2.41-12'), { name: 'libc6', architecture: 'amd64', version: '2.41-12' });
  assert.deepEqual(parseRequest('g++=4:14.2'), { name: 'g++', version: '4:14.2' });
});

test('paths of a package go to their place in a merged /usr', () => {
  assert.equal(canonicalPath('bin/ls'), 'usr/bin/ls');
  assert.equal(canonicalPath('lib64/ld.so'), 'usr/lib64/ld.so');
  assert.equal(canonicalPath('library/x'), 'library/x');
  assert.equal(imagePath('var/run/app'), 'run/app');
  assert.equal(imagePath('var/lock'), 'run/lock');
  const common = { mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0 };
  assert.equal(canonicalEntry({ ...common, path: 'bin', type: 'symlink', linkName: 'usr/bin' }).path, 'bin');
  assert.equal(canonicalEntry({ ...common, path: 'bin', type: 'directory' }).path, 'usr/bin');
  assert.equal(canonicalEntry({ ...common, path: 'bin/b', type: 'hardlink', linkName: 'bin/a' }).linkName, 'usr/bin/a');
});

test('groups: big and often updated sources alone, the rest in buckets that do not depend on the image', () => {
  const names = Array.from({ length: 200 }, (_, index) => `package-${index}`);
  const all = groupPackages(
    [
      locked('libc6', 10, 'glibc'),
      locked('libc-bin', 10, 'glibc'),
      locked('huge', 9e6),
      ...names.map((name) => locked(name)),
    ],
    60,
  );
  assert.deepEqual(
    all.find(({ name }) => name === 'glibc')?.packages.map(({ name }) => name),
    ['libc-bin', 'libc6'],
  );
  assert.equal(all.find(({ name }) => name === 'huge')?.packages.length, 1);
  const few = groupPackages(
    names.slice(0, 20).map((name) => locked(name)),
    60,
  );
  for (const group of few) {
    const same = new Set(all.find(({ name }) => name === group.name)?.packages.map(({ name }) => name));
    assert.ok(group.packages.every(({ name }) => same.has(name)));
  }
  const tight = groupPackages(
    names.map((name) => locked(name, 5e6)),
    20,
  );
  assert.ok(tight.length <= 20);
  assert.equal(tight.flatMap(({ packages }) => packages).length, 200);
});

test('packages come after what they depend on; circles end', () => {
  const names = (records: readonly PackageRecord[]): string[] => dependencyOrder(records).map(({ name }) => name);
  assert.deepEqual(
    names([record('a', 'Depends: b\n'), record('b', 'Pre-Depends: c | d\n'), record('c'), record('base-files')]),
    ['base-files', 'c', 'b', 'a'],
  );
  assert.deepEqual(names([record('a', 'Depends: b\n'), record('b', 'Depends: a\n')]), ['b', 'a']);
});

test('a file of two packages belongs to the one that replaces the other', () => {
  const old = record('old', '', ['f usr/x', 'd 755 0 0 usr', 'd 755 0 0 usr/sp ace']);
  const young = record('young', 'Replaces: old (<< 2)\n', ['f usr/x', 'd 700 0 5 usr', 'd 700 0 0 usr/sp ace']);
  const { winners, folders } = findOverlaps([old, young]);
  assert.deepEqual(
    winners.map(({ path, package: { name } }) => [path, name]),
    [['usr/x', 'young']],
  );
  assert.deepEqual(folders, [
    { path: 'usr', mode: 0o755, uid: 0, gid: 0 },
    { path: 'usr/sp ace', mode: 0o755, uid: 0, gid: 0 },
  ]);
  assert.deepEqual(findOverlaps([young, old]).winners[0]?.package.name, 'young');
  for (const line of ['f usr/x', 'd 755 0 0 usr/x']) {
    assert.throws(
      () => findOverlaps([old, record('other', '', [line])]),
      (error) => isHeraklitError(error, 'COMPOSE_FILE_CONFLICT'),
    );
  }
});

test('triggers: interests are registered, file triggers of what was there are activated', () => {
  const before = new Map([
    ['File', '/usr/share/man man-db/noawait\n'],
    ['ldconfig', 'libc-bin/noawait\n'],
  ]);
  const after = registerTriggers(before, [
    record(
      'a',
      '',
      ['f usr/share/man/man1/a.1', 'd 755 0 0 usr/share/man'],
      'interest-noawait /usr/lib/a\ninterest ldconfig # why\nactivate x\n',
    ),
  ]);
  assert.equal(after.get('File'), '/usr/share/man man-db/noawait\n/usr/lib/a a/noawait\n');
  assert.equal(after.get('ldconfig'), 'libc-bin/noawait\na\n');
  assert.equal(after.get('Unincorp'), '/usr/share/man -\n');
  assert.equal(registerTriggers(new Map(), []).size, 0);
});

test('users are added to the account files, once', () => {
  const passwd = { content: Buffer.from('root:x:0:0::/root:/bin/sh\n'), mode: 0o644, gid: 0 };
  const files = new Map([
    ['etc/passwd', passwd],
    ['etc/shadow', { content: Buffer.alloc(0), mode: 0o640, gid: 42 }],
  ]);
  const items = accountItems(files, [{ name: 'app', uid: 10001, home: '/srv' }], 86_400);
  const text = (path: string): string => String(items.find(({ header }) => header.path === path)?.content);
  assert.equal(text('etc/passwd'), 'root:x:0:0::/root:/bin/sh\napp:x:10001:10001::/srv:/usr/sbin/nologin\n');
  assert.equal(text('etc/group'), 'app:x:10001:\n');
  assert.equal(text('etc/shadow'), 'app:!:1:0:99999:7:::\n');
  assert.deepEqual(accountItems(files, [], 0), []);
  const plain = accountItems(new Map([['etc/passwd', passwd]]), [{ name: 'app', uid: 1 }], 0);
  assert.deepEqual(
    plain.map(({ header }) => header.path),
    ['etc/passwd', 'etc/group'],
  );
  assert.match(String(plain[0]?.content), /\napp:\*:1:1:/);
});

test('groups, further groups of a user, system accounts and home folders', () => {
  const files = new Map([
    ['etc/passwd', { content: Buffer.from('root:x:0:0::/root:/bin/sh\n'), mode: 0o644, gid: 0 }],
    ['etc/group', { content: Buffer.from('adm:x:4:syslog\nold:x:9:one\n'), mode: 0o644, gid: 0 }],
    ['etc/shadow', { content: Buffer.from(''), mode: 0o640, gid: 42 }],
    ['etc/gshadow', { content: Buffer.from('adm:*::syslog\n'), mode: 0o640, gid: 42 }],
  ]);
  const users = [
    {
      name: 'app',
      uid: 10,
      gid: 11,
      groups: ['adm', 'ops'],
      home: '/var/run/app',
      createHome: true,
      comment: 'The app',
    },
    { name: 'bot', uid: 12, gid: 4, groups: ['adm'], system: true },
  ];
  const items = accountItems(files, users, 86_400 * 3, [
    { name: 'ops', gid: 11 },
    { name: 'old', gid: 90 },
  ]);
  const text = (path: string): string => String(items.find(({ header }) => header.path === path)?.content);
  assert.equal(text('etc/group'), 'adm:x:4:syslog,app,bot\nold:x:90:one\nops:x:11:app\n');
  assert.equal(text('etc/gshadow'), 'adm:*::syslog,app,bot\nops:!::app\nold:!::one\n');
  assert.match(text('etc/passwd'), /\napp:x:10:11:The app:\/var\/run\/app:\S+\nbot:x:12:4::/);
  assert.equal(text('etc/shadow'), 'app:!:3:0:99999:7:::\nbot:!:3::::::\n');
  const home = items.find(({ header }) => header.path === 'run/app')?.header;
  assert.deepEqual([home?.type, home?.mode, home?.uid, home?.gid], ['directory', 0o700, 10, 11]);
  assert.throws(() => accountItems(files, [{ name: 'app', uid: 1, groups: ['wheel'] }], 0), {
    code: 'COMPOSE_ACCOUNT_INVALID',
    message: /the group wheel/,
  });
});

test('a time zone is one that a package has', () => {
  const recipe = (timezone: string): Recipe => ({ apiVersion: 'heraklit/v1', kind: 'Image', name: 'x', timezone });
  const names = ['usr/share/zoneinfo/Europe/Berlin', 'usr/share/zoneinfo/Etc/UTC'];
  const zones = { has: (path: string) => names.includes(path), hasTzdata: true };
  const none = { has: () => false, hasTzdata: false };
  const items = timezoneItems(recipe('Europe/Berlin'), zones, false, 5);
  assert.deepEqual(
    items.map(({ header }) => [header.path, header.linkName]),
    [
      ['etc/localtime', '/usr/share/zoneinfo/Europe/Berlin'],
      ['etc/timezone', undefined],
    ],
  );
  assert.equal(timezoneItems(recipe('Etc/UTC'), zones, false, 5).length, 2);
  assert.equal(timezoneItems(recipe('Europe/Berlin'), none, true, 5).length, 2, 'the base may have it');
  const code = 'COMPOSE_TIMEZONE_UNKNOWN';
  assert.throws(() => timezoneItems(recipe('Europe'), zones, true, 5), { code, hint: /zoneinfo/ });
  assert.throws(() => timezoneItems(recipe('Europe/Berlin'), none, false, 5), { code, hint: /Add tzdata/ });
});

test('volatile things are left out, what packages need is kept', () => {
  const verdicts = {
    'var/log/dpkg.log': 'drop',
    'etc/machine-id': 'empty',
    'etc/passwd-': 'drop',
    'etc/passwd': 'keep',
    'var/cache/ldconfig/aux-cache': 'drop',
    'var/lib/dpkg/status-old': 'drop',
    'var/lib/dpkg/status': 'keep',
    'etc/ld.so.cache': 'keep',
    'etc/ssh/ssh_host_rsa_key': 'drop',
    'run/nginx.pid': 'drop',
    'tmp/x': 'drop',
    tmp: 'keep',
    'var/lib/apt/lists/lock': 'drop',
    'usr/lib/python3/__pycache__/x.cpython-313.pyc': 'keep',
    'usr/lib/python3.9/__pycache__/x.cpython-39.pyc': 'drop',
  };
  assert.deepEqual(Object.fromEntries(Object.keys(verdicts).map((path) => [path, judge(path, 'file', 1)])), verdicts);
  assert.equal(judge('var/log/btmp', 'file', 0), 'keep');
  assert.equal(judge('run/postgresql', 'directory', 0), 'keep');
});
