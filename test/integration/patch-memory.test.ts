/** When an image's dpkg runs again, and when the layer that it made of the same system before serves. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { homeAt, silentLog, silentProgress } from '../../src/base/index.ts';
import { createLayerFactsReader, createPatchMemory, patch } from '../../src/build/index.ts';
import type { RepositoryPackage } from '../../src/distro/index.ts';
import { inspectLayers, readLayers } from '../../src/inventory/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { buildDeb } from '../support/debian-mirror.ts';
import { type SmallFiles, shellFiles, smallImage } from '../support/small-image.ts';

const skip = process.getuid?.() === 0 && existsSync('/usr/bin/perl') ? undefined : 'needs root and perl';
const STATUS = 'Package: app\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nDescription: x\n\n';
/** Two runs never leave the same. */
const STAMP = 'read id < /proc/sys/kernel/random/uuid; echo $id > /usr/stamp';
const system = (dpkg: string, more: SmallFiles = {}): SmallFiles => ({
  ...shellFiles(),
  'usr/bin/dpkg': { program: `#!/bin/sh\n${dpkg}\n` },
  'var/lib/dpkg/status': STATUS,
  ...more,
});
const APP: SmallFiles = { app: null, 'app/main': 'x' };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'memory-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const home = () => homeAt(join(folder, 'home'));
let images = 0;

async function patched(
  layers: readonly SmallFiles[],
  version = '2',
  compression: 'gzip' | 'zstd' = 'zstd',
  memory = createPatchMemory(join(home().cache, 'patches')),
) {
  const deb = buildDeb({
    control: { Package: 'app', Version: version, Architecture: 'amd64', Maintainer: 'm', Description: 'x' },
    files: { 'usr/share/app': 'new' },
  });
  const file = join(folder, `${version}.deb`);
  await writeFile(file, deb);
  const upgrade: RepositoryPackage = {
    ...{ name: 'app', version, architecture: 'amd64', source: { name: 'app', version } },
    ...{ repository: 'r', security: true, essential: false, priority: 'optional', section: 'x', multiArch: 'no' },
    relations: {
      ...{ depends: [], preDepends: [], recommends: [], conflicts: [], breaks: [], replaces: [], provides: [] },
    },
    ...{ filename: 'app.deb', size: deb.length, sha256: digestOf(deb).slice(7), installedSize: 1 },
  };
  const image = await smallImage(folder, `image-${images++}`, layers);
  try {
    const records = await readLayers(image);
    const { packages } = await inspectLayers(image, records);
    const indexes = records.map(({ index }) => index);
    const request = { image, indexes, upgrades: [upgrade], advisories: [], installed: packages, compression };
    const { cache, scratch, store } = home();
    const built = await patch(request, {
      ...{ store: await openBlobStore(store), layers: createLayerFactsReader(join(cache, 'facts')) },
      packages: { fetchAll: async (wanted) => wanted.map(() => file) },
      memory,
      ...{ plainPackages: join(cache, 'plain'), scratch, log: silentLog, progress: silentProgress },
    });
    assert.equal(built.manifest.layers.length, layers.length + 1);
    return { layer: built.config.rootfs.diff_ids.at(-1), built };
  } finally {
    await image.close();
  }
}

test('the same system with other applications on it is patched once', { skip }, async () => {
  const base = system(STAMP);
  const first = await patched([base]);
  const second = await patched([base, APP, { 'opt/tool/run': 'x', 'srv/www/index.html': 'x' }]);
  assert.equal(second.layer, first.layer);
  assert.deepEqual([first.built.statistics.layersBuilt, second.built.statistics.layersBuilt], [1, 0]);
  assert.notEqual(second.built.descriptor.digest, first.built.descriptor.digest);
  // Recorded with an application, used without.
  const other = system(`${STAMP}; true`);
  assert.equal((await patched([other, APP])).layer, (await patched([other])).layer);
});

test('another system, other packages or another form run again', { skip }, async () => {
  const base = system(STAMP);
  const first = await patched([base, APP]);
  for (const layers of [
    [base, { 'etc/motd': 'x' }],
    [base, { ...APP, 'usr/local/bin/app': 'x' }],
    [system(STAMP, APP)],
  ]) {
    assert.notEqual((await patched(layers)).layer, first.layer);
  }
  assert.notEqual((await patched([base, APP], '3')).layer, first.layer);
  assert.notEqual((await patched([base, APP], '2', 'gzip')).layer, first.layer);
  assert.equal((await patched([base, APP])).layer, first.layer);
});

const LOOKING: Readonly<Record<string, SmallFiles>> = {
  'a configuration file names the folder': system(STAMP, { 'etc/app.conf': 'plugins = /app/plugins\n' }),
  'a maintainer script names it': system(STAMP, { 'var/lib/dpkg/info/app.postinst': 'test -e "$DPKG_ROOT/app"\n' }),
  'a link leads to it': system(STAMP, { 'usr/share/app': { link: '../../app/share' } }),
  'dpkg looks at what lies below /': system(`${STAMP}; echo /*`),
  'dpkg writes there': system(`${STAMP}; [ ! -d /app ] || echo x > /app/new`),
  'a configuration file that dpkg writes names it': system(`${STAMP}; echo /app > /etc/new.conf`, {
    'etc/old.conf': '',
  }),
};
for (const [what, base] of Object.entries(LOOKING)) {
  test(`an application is looked at where ${what}: it has a run of its own`, { skip }, async () => {
    const first = await patched([base, APP]);
    const second = await patched([base, { ...APP, 'app/more': 'y' }]);
    assert.notEqual(second.layer, first.layer);
    assert.equal(second.built.statistics.layersBuilt, 1);
  });
}

test('a damaged record or a lost layer is made again', { skip }, async () => {
  const base = system(STAMP);
  const first = await patched([base]);
  const store = await openBlobStore(home().store);
  const blob = first.built.manifest.layers.at(-1)?.digest;
  assert.ok(blob !== undefined && (await store.delete(blob)));
  const second = await patched([base]);
  assert.notEqual(second.layer, first.layer);
  const [records] = await readdir(join(home().cache, 'patches'));
  const [record] = await readdir(join(home().cache, 'patches', records as string));
  await writeFile(join(home().cache, 'patches', records as string, record as string), '{"layer":');
  const third = await patched([base]);
  assert.notEqual(third.layer, second.layer);
  assert.equal((await patched([base])).layer, third.layer);
});

test('the same at the same time runs once; what cannot be shared, or fails, keeps nobody waiting', {
  skip,
}, async () => {
  const together = async (base: SmallFiles) => {
    const memory = createPatchMemory(join(home().cache, 'patches'));
    const all = [[base], [base, APP], [base, { 'app/other': 'y' }]].map((layers) =>
      patched(layers, '2', 'zstd', memory),
    );
    return Promise.allSettled(all);
  };
  const layers = (results: Awaited<ReturnType<typeof together>>) =>
    new Set(results.map((result) => (result.status === 'fulfilled' ? result.value.layer : result.reason.code)));
  assert.equal(layers(await together(system(`${STAMP}`))).size, 1);
  assert.equal(layers(await together(system(`${STAMP}; echo /*`))).size, 3);
  assert.deepEqual([...layers(await together(system('exit 2')))], ['PATCH_FAILED']);
});
