import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Digest, digestOf } from '../oci/index.ts';
import { inspectImage } from './inspect-image.ts';
import { memoryLayerCache } from './layer-cache.ts';
import { OS_RELEASE, stanza, status } from './testing/debian-root.ts';
import { type LayerFiles, memoryImage } from './testing/memory-image.ts';

const STATUS = 'var/lib/dpkg/status';
const base: LayerFiles = {
  'etc/': '',
  'etc/os-release': { symlink: '../usr/lib/os-release' },
  'usr/lib/os-release': OS_RELEASE,
  [STATUS]: status(stanza('dpkg', '1.22'), stanza('libc6', '2.41-1')),
  'usr/lib/big': 'x'.repeat(1000),
};
const names = (contents: { packages: readonly { name: string; version: string }[] }): string[] =>
  contents.packages.map((item) => `${item.name}=${item.version}`);

test('packages, distribution, effect and waste of each layer', async () => {
  const image = memoryImage(
    [
      base,
      {
        [STATUS]: status(stanza('dpkg', '1.22'), stanza('libc6', '2.41-2'), stanza('nginx', '1.26')),
        'usr/lib/.wh.big': '',
        'usr/sbin/nginx': 'n'.repeat(300),
      },
      { 'srv/index.html': 'hello' },
      { [STATUS]: status(stanza('dpkg', '1.22'), stanza('nginx', '1.26')) },
    ],
    { config: { history: ['a', 'b', 'c', 'd'].map((created_by) => ({ created_by })) } },
  );
  const contents = await inspectImage(image);
  assert.equal(contents.digest, image.digest);
  assert.equal(contents.distribution?.name, 'debian/trixie');
  assert.equal(contents.architecture, 'amd64');
  assert.deepEqual(names(contents), ['dpkg=1.22', 'nginx=1.26']);
  assert.deepEqual(contents.incomplete, []);
  const ref = (name: string, version: string) => ({ name, architecture: 'amd64', version });
  assert.deepEqual(
    contents.layers.map((layer) => layer.packages),
    [
      { added: [ref('dpkg', '1.22'), ref('libc6', '2.41-1')], changed: [], removed: [] },
      { added: [ref('nginx', '1.26')], changed: [{ ...ref('libc6', '2.41-2'), from: '2.41-1' }], removed: [] },
      { added: [], changed: [], removed: [] },
      { added: [], changed: [], removed: [ref('libc6', '2.41-2')] },
    ],
  );
  const sizes = contents.layers.map((layer) => [layer.bytes, layer.wastedBytes]);
  const statusBytes = status(stanza('dpkg', '1.22'), stanza('libc6', '2.41-1')).length;
  assert.deepEqual(sizes[0], [1000 + OS_RELEASE.length + statusBytes, 1000 + statusBytes]);
  assert.equal(sizes[1]?.[1], (sizes[1]?.[0] ?? 0) - 300);
  assert.deepEqual(sizes[2], [5, 0]);
  assert.deepEqual(
    contents.layers.map((layer) => layer.createdBy),
    ['a', 'b', 'c', 'd'],
  );
  assert.ok(contents.tree.has('usr/sbin/nginx') && !contents.tree.has('usr/lib/big'));
});

test('every way to lose the package database leaves no packages', async () => {
  const ways: LayerFiles[] = [
    { 'var/lib/dpkg/.wh.status': '' },
    { 'var/lib/.wh.dpkg': '' },
    { '.wh.var': '' },
    { '.wh..wh..opq': '' },
    { 'var/lib/dpkg/': '', 'var/lib/dpkg/.wh..wh..opq': '' },
    { 'var/lib': 'a file now' },
    { 'var/lib/dpkg/status/': '' },
    { [STATUS]: { symlink: 'status' } },
    { [STATUS]: { symlink: '/nowhere' } },
  ];
  for (const way of ways) {
    const contents = await inspectImage(memoryImage([base, way]));
    assert.deepEqual(names(contents), [], JSON.stringify(way));
    assert.equal(contents.packageDatabase, 'none');
    assert.equal(contents.layers[1]?.packages.removed.length, 2);
  }
});

test('links lead to the database: a merged /var, a moved database, a hard link', async () => {
  const text = base[STATUS] as string;
  const roots: LayerFiles[] = [
    { 'var/lib/dpkg/status-old': 'x', 'data/lib/dpkg/status': text, 'var/lib/dpkg': { symlink: '/data/lib/dpkg' } },
    { 'usr/lib/dpkg/status': text, var: { symlink: 'usr' } },
    { 'lib/dpkg/status': text, [STATUS]: { hardlink: 'lib/dpkg/status' } },
  ];
  for (const root of roots) {
    const contents = await inspectImage(memoryImage([root]));
    assert.deepEqual(names(contents), ['dpkg=1.22', 'libc6=2.41-1'], JSON.stringify(Object.keys(root)));
  }
});

test('distroless: one stanza a file, checksum lists left alone, a codename found by number', async () => {
  const contents = await inspectImage(
    memoryImage([
      { 'usr/lib/os-release': 'ID="debian"\nVERSION_ID="12"\nPRETTY_NAME="Distroless"\n' },
      { 'var/lib/dpkg/status.d/libc6': stanza('libc6', '2.36-9').replace(/Status: .*\n/, '') },
      { 'var/lib/dpkg/status.d/libc6.md5sums': 'd41d8cd98f00b204e9800998ecf8427e  usr/lib/x\n' },
      { 'var/lib/dpkg/status.d/.wh.libc6': '', 'var/lib/dpkg/status.d/base-files': stanza('base-files', '12') },
    ]),
  );
  assert.equal(contents.packageDatabase, 'dpkg-status.d');
  assert.equal(contents.distribution?.name, 'debian/bookworm');
  assert.deepEqual(names(contents), ['base-files=12']);
  assert.deepEqual(contents.incomplete, []);
});

test('a broken stanza costs one package and is named', async () => {
  const broken = `${stanza('a', '1')}\nPackage\x00 ???\n\n${stanza('b', '1')}\n${stanza('b', '2')}`;
  const contents = await inspectImage(memoryImage([{ [STATUS]: broken }]));
  assert.deepEqual(names(contents), ['a=1', 'b=2']);
  assert.equal(contents.distribution, undefined);
  assert.ok(contents.incomplete.some((part) => part.reason.startsWith('line')));
  assert.ok(contents.incomplete.some((part) => part.reason.includes('b:amd64 stands there twice')));
});

test('any bytes as status file give an answer', async () => {
  const noise = fc.string({
    unit: fc.constantFrom('Package: ', 'Version: ', 'Status: ', 'a', '1', '\n', ' ', ':', '\xff'),
  });
  await fc.assert(
    fc.asyncProperty(noise, async (text) => {
      const contents = await inspectImage(memoryImage([{ [STATUS]: `${stanza('first', '1')}\n${text}` }]));
      assert.ok(contents.packages.length >= 0);
      const seen = new Set(contents.packages.map((item) => `${item.name}:${item.architecture}`));
      assert.equal(seen.size, contents.packages.length);
    }),
    { numRuns: 60 },
  );
});

test('a layer is read once in its life; hashes are added when they are asked for', async () => {
  const opened = new Map();
  const layerCache = memoryLayerCache();
  const image = memoryImage([base, { 'srv/a': 'a' }], { opened });
  const first = await inspectImage(image, { layerCache });
  const second = await inspectImage(image, { layerCache });
  assert.deepEqual(second, first);
  assert.deepEqual([...opened.values()], [1, 1]);
  const hashed = await inspectImage(image, { layerCache, hashFiles: true });
  assert.equal(`sha256:${hashed.tree.get('srv/a')?.entry.sha256}`, digestOf('a'));
  await inspectImage(image, { layerCache });
  assert.deepEqual([...opened.values()], [2, 2]);
});

test('a config that lies about its layers is refused', async () => {
  const image = memoryImage([base]);
  const rootfs = (...diff_ids: Digest[]) => ({
    ...image,
    config: { ...image.config, rootfs: { type: 'layers' as const, diff_ids } },
  });
  await assert.rejects(inspectImage(rootfs(digestOf('other'))), { code: 'OCI_DIGEST_MISMATCH' });
  await assert.rejects(inspectImage(rootfs()), { code: 'INVENTORY_LAYERS_MISMATCH' });
});

test('an image of no layers, and one without a package database, say so', async () => {
  const empty = await inspectImage(memoryImage([]));
  assert.deepEqual([empty.packageDatabase, empty.layers, empty.distribution], ['none', [], undefined]);
  const scratch = await inspectImage(memoryImage([{ app: 'binary' }]));
  assert.deepEqual([scratch.packageDatabase, scratch.packages, scratch.architecture], ['none', [], 'amd64']);
});

test('a root folder: links stay inside, special files are not opened', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'root-view-'));
  try {
    await writeFile(join(folder, 'outside'), stanza('outside', '1'));
    const root = join(folder, 'root');
    await mkdir(join(root, 'data/dpkg'), { recursive: true });
    await mkdir(join(root, 'var'));
    await mkdir(join(root, 'etc'));
    await symlink('/data', join(root, 'var/lib'));
    await writeFile(join(root, 'data/dpkg/status'), status(stanza('dpkg', '1.22', { Architecture: 'arm64' })));
    await symlink('../../../../../../etc/debian_version', join(root, 'etc/os-release'));
    await writeFile(join(root, 'etc/debian_version'), 'forky/sid\n');
    const contents = await inspectImage({ kind: 'dir', root });
    assert.deepEqual(names(contents), ['dpkg=1.22']);
    assert.equal(contents.architecture, 'arm64');
    assert.equal(contents.distribution?.name, 'debian/forky');
    assert.equal(contents.digest, undefined);
    await rm(join(root, 'data/dpkg/status'));
    await symlink(join(folder, 'outside'), join(root, 'data/dpkg/status'));
    assert.deepEqual(names(await inspectImage({ kind: 'dir', root })), []);
    await assert.rejects(inspectImage({ kind: 'dir', root: join(folder, 'nothing') }), {
      code: 'INVENTORY_ROOT_UNREADABLE',
    });
    await assert.rejects(inspectImage({ kind: 'dir', root: join(folder, 'outside') }), {
      code: 'INVENTORY_ROOT_UNREADABLE',
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
