import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readStatus } from '../../distro/index.ts';
import { mergeRuntimeConfig } from './merge-config.ts';
import { isLineList, mergeLines } from './merge-lines.ts';
import { mergePackages } from './merge-packages.ts';

test('config: what the child set itself wins, the rest follows the new base', () => {
  const merged = mergeRuntimeConfig(
    { Env: ['PATH=/usr/bin', 'LANG=C', 'OLD=1'], User: 'root', Labels: { base: '1' } },
    { Env: ['PATH=/usr/local/bin:/usr/bin', 'LANG=C.UTF-8', 'NEW=1'], User: 'root', Labels: { base: '2' } },
    { Env: ['PATH=/usr/bin', 'LANG=de', 'APP=x'], User: 'app', Labels: { base: '1', app: 'y' }, Cmd: ['run'] },
  );
  assert.deepEqual(merged.Env?.toSorted(), ['APP=x', 'LANG=de', 'NEW=1', 'PATH=/usr/local/bin:/usr/bin']);
  assert.equal(merged.User, 'app');
  assert.deepEqual(merged.Labels, { base: '2', app: 'y' });
  assert.deepEqual(merged.Cmd, ['run']);
});

test('config: an unchanged base gives the child’s config back', () => {
  const config = fc.record({
    User: fc.string(),
    Env: fc.uniqueArray(fc.stringMatching(/^[A-Z]{1,4}=[a-z]{0,3}$/), { selector: (entry) => entry.split('=')[0] }),
    Cmd: fc.array(fc.string()),
  });
  fc.assert(
    fc.property(config, config, (base, child) => {
      const merged = mergeRuntimeConfig(base, base, child);
      assert.deepEqual([...(merged.Env ?? [])].sort(), [...child.Env].sort());
      assert.equal(merged.User, child.User);
      assert.deepEqual(merged.Cmd, child.Cmd);
    }),
  );
});

const PASSWD = 'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n';

test('lists: additions of both sides are kept', () => {
  const merged = mergeLines(
    'etc/passwd',
    PASSWD,
    `${PASSWD}_apt:x:42:65534::/:/usr/sbin/nologin\n`,
    `${PASSWD}app:x:1000:1000::/srv:/bin/sh\n`,
  );
  assert.equal(merged.kind, 'merged');
  assert.match(merged.kind === 'merged' ? String(merged.content) : '', /^root:[\s\S]*\n_apt:[\s\S]*\napp:[\s\S]*\n$/);
});

test('lists: the same entry changed on both sides is a conflict', () => {
  const merged = mergeLines(
    'etc/passwd',
    PASSWD,
    PASSWD.replace('/bin/bash', '/bin/dash'),
    PASSWD.replace('/bin/bash', '/bin/zsh'),
  );
  assert.deepEqual(merged, { kind: 'conflict', key: 'root' });
});

test('lists: merging is the identity where one side did nothing', () => {
  const list = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}:[a-z]{0,3}$/), { selector: (line) => line.split(':')[0] });
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
  fc.assert(
    fc.property(list, list, (base, side) => {
      const sorted = (merge: ReturnType<typeof mergeLines>): readonly string[] =>
        merge.kind === 'merged' ? String(merge.content).split('\n').filter(Boolean).sort() : ['conflict'];
      assert.deepEqual(sorted(mergeLines('etc/group', text(base), text(base), text(side))), [...side].sort());
      assert.deepEqual(sorted(mergeLines('etc/group', text(base), text(side), text(base))), [...side].sort());
    }),
  );
});

const stanza = (name: string, version: string, more = ''): string =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n${more}\n`;
const database = (...stanzas: readonly string[]): ReturnType<typeof readStatus> =>
  readStatus(Buffer.from(stanzas.join('')));
const versions = (merge: ReturnType<typeof mergePackages>): Readonly<Record<string, string>> =>
  Object.fromEntries(merge.stanzas.map((entry) => [entry.get('Package') ?? '', entry.get('Version') ?? '']));

test('packages: the base’s upgrade and the child’s installation both hold', () => {
  const merge = mergePackages(
    database(stanza('libc6', '2.41-1'), stanza('zlib1g', '1.3-1')),
    database(stanza('libc6', '2.41-2'), stanza('zlib1g', '1.3-1')),
    database(stanza('libc6', '2.41-1'), stanza('zlib1g', '1.3-1'), stanza('app', '1', 'Depends: libc6 (>= 2.41-1)\n')),
  );
  assert.deepEqual(merge.conflicts, []);
  assert.deepEqual(versions(merge), { libc6: '2.41-2', zlib1g: '1.3-1', app: '1' });
  assert.deepEqual(
    merge.own.map((pkg) => pkg.name),
    ['app'],
  );
});

test('packages: a package that both sides changed is refused', () => {
  const merge = mergePackages(
    database(stanza('openssl', '3.0-1')),
    database(stanza('openssl', '3.0-2')),
    database(stanza('openssl', '3.0-3')),
  );
  assert.deepEqual(merge.conflicts, [
    { kind: 'package', package: 'openssl:amd64', reason: 'old base 3.0-1, new base 3.0-2, child 3.0-3' },
  ]);
});

test('packages: a dependency the new base no longer meets is refused, a provided one is met', () => {
  const child = stanza('app', '1', 'Depends: libfoo1 (= 1-1), mail-agent\n');
  const mta = stanza('postfix', '3', 'Provides: mail-agent\n');
  const merge = mergePackages(
    database(stanza('libfoo1', '1-1'), mta),
    database(stanza('libfoo1', '1-2'), mta),
    database(stanza('libfoo1', '1-1'), mta, child),
  );
  assert.deepEqual(merge.conflicts, [{ kind: 'dependency', package: 'app', relation: 'depends on libfoo1 (= 1-1)' }]);
});

test('packages: a Breaks of the new base against the child’s package is refused', () => {
  const merge = mergePackages(
    database(stanza('base', '1')),
    database(stanza('base', '2', 'Breaks: app (<< 2)\n')),
    database(stanza('base', '1'), stanza('app', '1')),
  );
  assert.deepEqual(merge.conflicts, [{ kind: 'dependency', package: 'base', relation: 'conflicts with app (<< 2)' }]);
});

test('lists of installed paths that both sides trimmed are one list', () => {
  const path = 'var/lib/dpkg/info/app.list';
  const merge = mergeLines(
    path,
    '/.\n/usr\n/usr/share/man\n/usr/app\n',
    '/.\n/usr\n/usr/app\n/usr/new\n',
    '/.\n/usr\n/usr/app\n',
  );
  assert.deepEqual(merge, { kind: 'merged', content: '/.\n/usr\n/usr/app\n/usr/new\n' });
  assert.ok(isLineList(path) && !isLineList('var/lib/dpkg/info/app.postinst'));
});
