/**
 * Patched images of rpm and apk, started by podman: their packages hold real programs (the C library and busybox of two
 * Debian releases), so that what a patch leaves behind must really load and run, scripts of the update included.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { homeAt, silentLog, silentProgress } from '../../src/base/index.ts';
import type { ApkSpec } from '../../src/distro/testing/apk-packages.ts';
import {
  buildRecipe,
  openWorkshop,
  patchImage,
  resolvedFrom,
  storeOver,
  type Workshop,
} from '../../src/engine/index.ts';
import { readLayers } from '../../src/inventory/index.ts';
import { parseReference, type ResolvedImage } from '../../src/oci/index.ts';
import { openImage, saveImage } from '../../src/transport/index.ts';
import { apkTool } from '../support/apk-tool.ts';
import { ApkMirror, put } from '../support/apk-world.ts';
import { layoutOf, run, unpackImage } from '../support/debian-image.ts';
import { openPodman } from '../support/podman.ts';
import { ASK, apkFiles, MERGED, type RealPackages, realPackages, rpmFiles } from '../support/real-programs.ts';
import { hasRpmTools, type RpmSpec, RpmWorld } from '../support/rpm-world.ts';

const real = realPackages();
const isRoot = process.getuid?.() === 0 && existsSync('/usr/bin/perl');
const skip = isRoot ? (real === undefined ? 'programs of Debian not installed' : false) : 'needs root and perl';
const noRpm = hasRpmTools('rpm', 'rpmbuild', 'createrepo_c', 'dnf')
  ? false
  : 'rpm, rpmbuild, createrepo_c or dnf not installed';

let folder: string;
before(async () => {
  // podman takes the path of a layout for a name, which has no capitals.
  folder = join(tmpdir(), `patch-started-${randomUUID()}`);
  await mkdir(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

/** @returns what the patched image became, as a reference for podman */
async function patched(image: ResolvedImage, name: string, shop: Workshop) {
  const outcome = await patchImage(image, {}, shop);
  assert.ok(outcome.kind === 'patched', outcome.kind);
  const result = resolvedFrom(outcome.image, storeOver(await shop.store(), image.blobs));
  return { image: result, reference: await saved(result, name) };
}

async function saved(image: ResolvedImage, name: string): Promise<string> {
  const reference = `oci:${join(folder, `${name}.oci`)}:it`;
  await saveImage(image, parseReference(reference));
  return reference;
}

async function unpacked(image: ResolvedImage, name: string): Promise<string> {
  const records = await readLayers(image);
  const root = join(folder, name);
  await unpackImage(
    image,
    root,
    records.map(({ index }) => index),
  );
  return root;
}

test('apk: composed, patched, started; its scripts ran with the new C library', { skip }, async (context) => {
  const podman = openPodman(context);
  if (podman === undefined || real === undefined) return;
  const mirror = new ApkMirror(join(folder, 'apk'));
  const release = (version: string, { libc, busybox }: RealPackages): readonly ApkSpec[] => [
    {
      name: 'layout',
      version: '1-r0',
      files: { ...apkFiles(MERGED), 'etc/os-release': 'ID=alpine\nVERSION_ID=3.22.1\n' },
    },
    { name: 'libc', version, depends: ['layout'], files: apkFiles(libc) },
    {
      ...{ name: 'busybox', version, depends: [`libc=${version}`], provides: ['/bin/sh'], files: apkFiles(busybox) },
      scripts: {
        'post-upgrade': '#!/bin/sh\necho "$0 $1 $2" | { read -r _ to from; echo "$from -> $to" > /etc/moved; }\n',
      },
    },
  ];
  await mirror.offer(release('1-r0', real.before));
  const key = { name: mirror.signer.name, content: mirror.signer.content };
  const home = homeAt(join(folder, 'apk-home'));
  const shop = () =>
    openWorkshop({ home, log: silentLog, progress: silentProgress, mirror: mirror.url, keyFiles: [key] });
  const recipe = join(folder, 'app.yaml');
  await put(
    recipe,
    'apiVersion: heraklit/v1\nkind: Image\nname: app\ndistribution: alpine/3.22\npackages: [busybox]\n',
  );
  const { image } = await buildRecipe(recipe, { architecture: 'amd64' }, shop());
  const old = podman.shell(await saved(image, 'apk-composed'), ASK);
  for (const word of real.before.says) assert.match(old.output, word);

  await mirror.offer(release('2-r0', real.after));
  const result = await patched(image, 'apk-patched', shop());
  const now = podman.shell(result.reference, `${ASK}; cat /etc/moved`);
  for (const word of [...real.after.says, /^1-r0 -> 2-r0$/m]) assert.match(now.output, word);
  if (apkTool === undefined) return;
  // Where somebody brings an apk: it finds no file other than its database says.
  const root = await unpacked(result.image, 'apk-root');
  assert.equal(mirror.apk(root, 'audit', '--full', '--recursive', '/usr'), '');
});

test('rpm: patched, started, and verified by rpm as what dnf upgrade makes', {
  skip: skip || noRpm,
}, async (context) => {
  const podman = openPodman(context);
  if (podman === undefined || real === undefined) return;
  const world = await RpmWorld.create();
  context.after(() => world.remove());
  const fast = { arch: 'x86_64', payload: 'w1.gzdio' } as const;
  const release = (version: string, { libc, busybox }: RealPackages): readonly RpmSpec[] => [
    { name: 'layout', evr: '1-1', ...fast, ...rpmFiles(MERGED) },
    { name: 'libc', evr: `${version}-1`, ...fast, ...rpmFiles(libc), tags: ['AutoReqProv: no', 'Requires: layout'] },
    {
      ...{ name: 'busybox', evr: `${version}-1`, ...fast, ...rpmFiles(busybox) },
      tags: ['AutoReqProv: no', `Requires: libc = ${version}`, 'Provides: /bin/sh'],
      sections: [`%post\necho "post ${version} $1" >> /etc/history`],
    },
  ];
  const [old, packages] = [
    await world.build(release('1', real.before), 'old'),
    await world.build(release('2', real.after), 'new'),
  ];
  const repository = await world.repository('mirror/9/BaseOS/x86_64/os', packages);
  for (const empty of ['AppStream', 'extras']) await world.repository(`mirror/9/${empty}/x86_64/os`, []);
  await world.rpm('theirs', '-i', ...old);
  await world.write('theirs', 'etc/os-release', 'ID="rocky"\nVERSION_ID="9.4"\n');
  const tar = join(folder, 'rpm.tar');
  await run('tar', ['-cf', tar, '-C', join(world.folder, 'theirs'), '.']);
  const image = await openImage(parseReference(await layoutOf(join(folder, 'rpm.oci'), [tar])));
  context.after(() => image.close());
  const shop = openWorkshop({
    ...{ home: homeAt(join(folder, 'rpm-home')), log: silentLog, progress: silentProgress },
    ...{ mirror: `file://${join(world.folder, 'mirror')}`, distributions: { 'rocky/9': { trusted: true } } },
  });
  const result = await patched(image, 'rpm-patched', shop);
  const now = podman.shell(result.reference, `${ASK}; cat /etc/history`);
  for (const word of [...real.after.says, /^post 2 2$/m]) assert.match(now.output, word);

  await cp(await unpacked(result.image, 'rpm-root'), join(world.folder, 'ours'), {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
  });
  await world.dnf('theirs', { mirror: repository }, '--nogpgcheck', '-y', 'upgrade');
  const [ours, theirs] = [await world.verify('ours'), await world.verify('theirs')];
  assert.equal(ours, theirs);
  assert.equal(ours, '');
});
