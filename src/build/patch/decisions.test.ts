import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  type InstalledPackage,
  type Relation,
  type RepositoryPackage,
  readStatus,
  Stanza,
} from '../../distro/index.ts';
import { flattenLayers, type LayerEntry } from '../../oci/index.ts';
import { dpkgOrder } from './dpkg-order.ts';
import { dpkgSteps } from './dpkg-steps.ts';
import { canonicalPath, fileLevelChanges } from './file-level.ts';
import { isLeftover } from './leftovers.ts';

const NO_RELATIONS = {
  depends: [],
  preDepends: [],
  recommends: [],
  conflicts: [],
  breaks: [],
  replaces: [],
  provides: [],
};
const repositoryPackage = (name: string, depends: readonly string[] = []): RepositoryPackage => ({
  name,
  version: '2',
  architecture: 'amd64',
  source: { name, version: '2' },
  repository: 'r',
  security: true,
  essential: false,
  priority: 'optional',
  section: 'libs',
  multiArch: 'no',
  relations: { ...NO_RELATIONS, depends: depends.map((dependency) => [{ name: dependency }]) },
  filename: `pool/${name}.deb`,
  size: 1,
  sha256: '0'.repeat(64),
  installedSize: 1,
});

const tree = (entries: readonly (Partial<LayerEntry> & { path: string })[]) =>
  flattenLayers([
    {
      diffId: `sha256:${'0'.repeat(64)}`,
      entries: entries.map((entry) => ({ type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1, mtime: 0, ...entry })),
      whiteouts: [],
      opaques: [],
      bytes: 0,
    },
  ]);

test('dpkg gets what is depended on first, cycles included', () => {
  const names = dpkgOrder([
    repositoryPackage('app', ['liba', 'libb']),
    repositoryPackage('liba', ['libc']),
    repositoryPackage('libb', ['liba']),
    repositoryPackage('libc', ['liba']),
  ]).map((pkg) => pkg.name);
  assert.deepEqual([names.length, names.at(-1)], [4, 'app']);
  assert.ok(names.indexOf('liba') < names.indexOf('libb'));
});

test('a package is unpacked once its exact pre-dependency is configured, and only then a step is cut', () => {
  const needs = (pkg: RepositoryPackage, relation: Relation): RepositoryPackage => ({
    ...pkg,
    relations: { ...pkg.relations, preDepends: [[relation]] },
  });
  const installed = ['libc', 'helper', 'tool'].map(
    (name) => ({ ...repositoryPackage(name), version: '1' }) as unknown as InstalledPackage,
  );
  const libc = repositoryPackage('libc');
  const tool = needs(repositoryPackage('tool'), { name: 'libc', operator: '>=', version: '1' });
  assert.deepEqual(dpkgSteps([libc, tool], installed), [{ unpack: [libc, tool], configure: 'pending' }]);
  const helper = repositoryPackage('helper', ['libc']);
  const exact = needs(repositoryPackage('module'), { name: 'helper', operator: '=', version: '2' });
  assert.deepEqual(dpkgSteps([libc, tool, helper, exact], installed), [
    { unpack: [libc, tool, helper], configure: [libc, helper] },
    { unpack: [exact], configure: 'pending' },
  ]);
});

test('leftovers are logs, caches and backups; state is not', () => {
  for (const path of [
    'var/log/dpkg.log',
    'var/cache/apt/pkgcache.bin',
    'var/lib/dpkg/status-old',
    'etc/passwd-',
    'run/x',
    'var/cache/debconf/config.dat-old',
  ]) {
    assert.ok(isLeftover(path), path);
  }
  for (const path of [
    'var/lib/dpkg/status',
    'var/cache/debconf/config.dat',
    'etc/passwd',
    'var/log',
    'usr/share/doc/x',
    'etc/ld.so.cache',
  ]) {
    assert.ok(!isLeftover(path), path);
  }
});

test('paths follow the symlinked folders of the image, and end inside it', () => {
  const merged = tree([
    { path: 'lib', type: 'symlink', linkName: 'usr/lib' },
    { path: 'abs', type: 'symlink', linkName: '/usr/lib' },
    { path: 'loop', type: 'symlink', linkName: 'loop' },
    { path: 'out', type: 'symlink', linkName: '../../..' },
    { path: 'usr/lib/x' },
  ]);
  assert.equal(canonicalPath('lib/x', merged), 'usr/lib/x');
  assert.equal(canonicalPath('abs/x', merged), 'usr/lib/x');
  assert.equal(canonicalPath('out/etc/passwd', merged), 'etc/passwd');
  assert.equal(canonicalPath('loop/x', merged).endsWith('x'), true);
});

test('files only: new content, whiteouts for what is gone, changed conffiles kept', async () => {
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const status = readStatus(
    Buffer.from(
      `Package: app\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nConffiles:\n /etc/app.conf ${md5('shipped')}\n /etc/other.conf ${md5('kept')}\n\nPackage: friend\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n`,
    ),
  );
  const files: Readonly<Record<string, readonly string[]>> = {
    app: ['usr/bin/app', 'usr/lib/old.so', 'usr/share/shared', 'etc/app.conf', 'etc/other.conf'],
    friend: ['usr/share/shared'],
  };
  const image = tree([
    { path: 'usr', type: 'directory' },
    ...Object.values(files)
      .flat()
      .map((path) => ({ path })),
  ]);
  const data = (path: string, text: string) => ({
    path,
    type: 'file' as const,
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: text.length,
    mtime: 1,
    content: Buffer.from(text),
  });
  const items = await fileLevelChanges({
    tree: image,
    status,
    upgrades: [
      {
        pkg: repositoryPackage('app'),
        control: new Map(),
        stanza: Stanza.of([['Package', 'app']]),
        data: [data('usr/bin/app', 'new'), data('etc/app.conf', 'v2'), data('etc/other.conf', 'v2')],
      },
    ],
    installedFiles: (name) => files[name],
    read: async (path) => Buffer.from(path === 'etc/app.conf' ? 'edited by hand' : 'kept'),
  });
  assert.deepEqual(items.map((item) => item.header.path).sort(), [
    'etc/app.conf.dpkg-dist',
    'etc/other.conf',
    'usr/bin/app',
    'usr/lib/.wh.old.so',
  ]);
});
