/** Patching images that are broken, hostile, or not ours to patch: each ends in one coded error and leaves nothing. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import { createLayerFactsReader, type PatchTools, patch } from '../../src/build/index.ts';
import type { RepositoryPackage } from '../../src/distro/index.ts';
import { buildRecipe, openWorkshop, patchImage, rebaseImage } from '../../src/engine/index.ts';
import { inspectLayers, readLayers } from '../../src/inventory/index.ts';
import { digestOf, type ResolvedImage } from '../../src/oci/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { buildDeb } from '../support/debian-mirror.ts';
import { type SmallFiles, shellFiles, smallImage } from '../support/small-image.ts';

const skip = process.getuid?.() === 0 && existsSync('/usr/bin/perl') ? undefined : 'needs root and perl';
const STATUS = 'Package: app\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nDescription: x\n\n';
const DEB = buildDeb({
  control: { Package: 'app', Version: '2', Architecture: 'amd64', Maintainer: 'm', Description: 'x' },
  files: { 'usr/share/app': 'new', 'etc/app.conf': 'new' },
  scripts: { postinst: '#!/bin/sh\nexit 0\n' },
});
const APP: RepositoryPackage = {
  ...{ name: 'app', version: '2', architecture: 'amd64', source: { name: 'app', version: '2' } },
  ...{ repository: 'r', security: true, essential: false, priority: 'optional', section: 'x', multiArch: 'no' },
  relations: {
    ...{ depends: [], preDepends: [], recommends: [], conflicts: [], breaks: [], replaces: [], provides: [] },
  },
  ...{ filename: 'app.deb', size: DEB.length, sha256: digestOf(DEB).slice(7), installedSize: 1 },
};

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
  await writeFile(join(folder, 'app.deb'), DEB);
});
after(() => rm(folder, { recursive: true, force: true }));

async function patchSmall(image: ResolvedImage, limits: PatchTools['limits'] = {}) {
  const records = await readLayers(image);
  const home = homeAt(join(folder, 'home'));
  const request = {
    ...{ image, indexes: records.map((record) => record.index), upgrades: [APP], advisories: [] },
    installed: (await inspectLayers(image, records)).packages,
  };
  return patch(request, {
    store: await openBlobStore(home.store),
    layers: createLayerFactsReader(join(home.cache, 'facts')),
    packages: { fetchAll: async (wanted) => wanted.map(() => join(folder, 'app.deb')) },
    plainPackages: join(home.cache, 'plain'),
    scratch: home.scratch,
    log: silentLog,
    progress: silentProgress,
    limits,
  });
}

const childProcesses = (): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return / \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1] === String(process.pid);
      } catch {
        return false;
      }
    });

async function nothingIsLeft(): Promise<void> {
  const home = homeAt(join(folder, 'home'));
  assert.deepEqual(await readdir(home.scratch), []);
  const blobs = join(home.store, 'blobs', 'sha256');
  assert.deepEqual(existsSync(blobs) ? await readdir(blobs) : [], []);
  assert.ok(!readFileSync('/proc/self/mounts', 'utf8').includes(folder), 'a mount is left');
  assert.deepEqual(childProcesses(), []);
}

const withDpkg = (script: string): SmallFiles => ({
  ...shellFiles(),
  'usr/bin/dpkg': { program: `#!/bin/sh\n${script}\n` },
  'var/lib/dpkg/status': STATUS,
});

const FAILURES = {
  'a dpkg that fails': ['PATCH_FAILED', 'echo "dpkg: error: no such luck" >&2; exit 2', {}],
  'a dpkg that is killed': ['PATCH_FAILED', 'kill -9 $$', {}],
  'a dpkg that hangs, with children': [
    'SANDBOX_TIMEOUT',
    'while :; do :; done & while :; do :; done',
    { timeout: 700 },
  ],
  'a dpkg that prints without end': ['SANDBOX_OUTPUT_LIMIT', 'while :; do echo yes; done', { output: 65_536 }],
} as const;

for (const [name, [code, script, limits]] of Object.entries(FAILURES)) {
  test(`${name}: ${code}`, { skip }, async () => {
    const image = await smallImage(folder, 'failing', [withDpkg(script)]);
    await assert.rejects(patchSmall(image, limits), (error) => isHeraklitError(error, code));
    await nothingIsLeft();
  });
}

test('links and whiteouts that lead out of the image lead nowhere', { skip }, async () => {
  const victim = join(folder, 'victim');
  await mkdir(victim);
  await writeFile(join(victim, 'precious'), 'mine');
  const script = [
    `echo gone > ${victim}/precious; echo gone > /out/precious; echo gone > /up/precious`,
    'echo done > /done; ln -s /etc/shadow /shadow; exit 0',
  ].join('\n');
  const image = await smallImage(folder, 'escaping', [
    {
      ...withDpkg(script),
      out: { link: victim },
      up: { link: `../../../../../..${victim}` },
      'usr/share': { link: '/etc' },
    },
    { 'out/.wh.precious': '', 'up/.wh..wh..opq': '', 'usr/share/x': 'x' },
  ]);
  const built = await patchSmall(image);
  assert.equal(readFileSync(join(victim, 'precious'), 'utf8'), 'mine');
  assert.equal(built.manifest.layers.length, 3);
  await rm(homeAt(join(folder, 'home')).store, { recursive: true });
  await nothingIsLeft();
});

test('images that cannot be patched are refused with the reason', { skip }, async () => {
  const none = await smallImage(folder, 'none', [{ 'etc/hello': 'x' }]);
  await assert.rejects(patchSmall(none), (error) => isHeraklitError(error, 'PATCH_NO_DATABASE'));
  const stripped = await smallImage(folder, 'stripped', [
    {
      'etc/ld.so.cache': 'x',
      'var/lib/dpkg/status': STATUS,
      'var/lib/dpkg/info/libc6:amd64.postinst': 'x',
    },
  ]);
  await assert.rejects(patchSmall(stripped), (error) => isHeraklitError(error, 'PATCH_SCRIPTS_NEEDED'));
  await nothingIsLeft();
});

test('files only: content, status and whiteouts, where the image has no dpkg', { skip }, async () => {
  const image = await smallImage(folder, 'distroless', [
    {
      'var/lib/dpkg/status.d/app': STATUS.replace(/Status: .*\n/, ''),
      'var/lib/dpkg/status.d/app.md5sums': `${'0'.repeat(32)}  usr/share/app\n${'0'.repeat(32)}  usr/share/old\n`,
      'usr/share/app': 'old',
      'usr/share/old': 'old',
    },
  ]);
  const built = await patchSmall(image);
  const store = await openBlobStore(homeAt(join(folder, 'home')).store);
  const blobs = {
    open: async (digest: typeof image.digest) => ((await store.has(digest)) ? store : image.blobs).open(digest),
  };
  const records = await readLayers({ ...image, ...built, digest: built.descriptor.digest, blobs });
  const contents = await inspectLayers({ ...image, ...built, digest: built.descriptor.digest, blobs }, records);
  assert.deepEqual(
    contents.packages.map((pkg) => `${pkg.name}=${pkg.version}`),
    ['app=2'],
  );
  assert.deepEqual(records[1]?.index.whiteouts, ['usr/share/old']);
  assert.equal(contents.tree.get('usr/share/app')?.layer, 1);
  assert.ok(contents.tree.has('etc/app.conf') && !contents.tree.has('usr/share/old'));
});

test('what the workshop refuses', async () => {
  const shop = openWorkshop({ home: homeAt(join(folder, 'home')), log: silentLog, progress: silentProgress });
  const image = await smallImage(folder, 'unknown', [{ 'etc/hello': 'x' }]);
  await assert.rejects(patchImage(image, {}, shop), (error) => isHeraklitError(error, 'IMAGE_UNSUPPORTED'));
  const images = { child: image, onto: image, from: undefined, baseName: undefined };
  await assert.rejects(rebaseImage(images, shop), (error) => isHeraklitError(error, 'IMAGE_BASE_UNKNOWN'));
  const recipe = (name: string, from: string): string =>
    `apiVersion: heraklit/v1\nkind: Image\nname: ${name}\nfrom: ${from}\npackages: [hello]\n`;
  await writeFile(join(folder, 'a.yaml'), recipe('a', 'b'));
  await writeFile(join(folder, 'b.yaml'), recipe('b', 'a'));
  const build = buildRecipe(join(folder, 'a.yaml'), { architecture: 'amd64' }, shop);
  await assert.rejects(build, (error) => isHeraklitError(error, 'RECIPE_CYCLE'));
});
