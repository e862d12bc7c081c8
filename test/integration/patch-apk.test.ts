/**
 * `patch` of Alpine images against the real apk: packages, a mirror and a root are made here; what `apk add` and
 * `apk upgrade` (apk-tools 3.0.6) make of the root was recorded (test/fixtures/apk/upgrade.json), and is asked again
 * where the machine has apk (HERAKLIT_TEST_APK).
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import { type BuiltImage, PATCH_ANNOTATION, patch, readApkFiles } from '../../src/build/index.ts';
import { readFiles } from '../../src/build/patch/read-files.ts';
import { createApkUniverse, solveApk } from '../../src/distro/index.ts';
import { type ApkSpec, type BuiltApk, buildApk } from '../../src/distro/testing/apk-packages.ts';
import { openWorkshop, type PatchFilter, patchImage, resolvedFrom, storeOver } from '../../src/engine/index.ts';
import { readLayers } from '../../src/inventory/index.ts';
import { flattenLayers, parseReference, type ResolvedImage } from '../../src/oci/index.ts';
import { openImage } from '../../src/transport/index.ts';
import { apkFacts } from '../support/apk-facts.ts';
import { AFTER, BEFORE, BUSYBOX, EDITS, REMOVED, WORLD } from '../support/apk-scenario.ts';
import { apkTool } from '../support/apk-tool.ts';
import { ApkMirror, put } from '../support/apk-world.ts';
import { layoutOf, run, unpackImage } from '../support/debian-image.ts';
import { assertSameFacts } from '../support/same-facts.ts';
import { type SmallFiles, smallImage } from '../support/small-image.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/apk/upgrade.json');
const CONFIG = { config: { Entrypoint: ['/usr/bin/app'], Labels: { kept: 'yes' }, User: '777' } };
const root = process.getuid?.() === 0 && existsSync('/usr/bin/perl');
const skip = !root ? 'needs root and perl' : existsSync(BUSYBOX) ? undefined : 'busybox-static not installed';

type Facts = Readonly<Record<string, string>>;

let folder: string;
let mirror: ApkMirror;
let recorded: Readonly<Record<'added' | 'upgraded', Facts>>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patch-apk-'));
  mirror = new ApkMirror(join(folder, 'mirror'));
  recorded = JSON.parse(await readFile(FIXTURE, 'utf8'));
});
after(() => rm(folder, { recursive: true, force: true }));

const built = (): readonly BuiltApk[] => [...BEFORE, ...AFTER].map((spec) => buildApk(spec));

let workshops = 0;
async function workshop() {
  const key = { name: mirror.signer.name, content: mirror.signer.content };
  const home = homeAt(join(folder, 'home', String(workshops++)));
  return openWorkshop({ home, log: silentLog, progress: silentProgress, mirror: mirror.url, keyFiles: [key] });
}

async function patched(image: ResolvedImage, filter: PatchFilter = {}) {
  const shop = await workshop();
  const outcome = await patchImage(image, filter, shop);
  assert.ok(outcome.kind === 'patched', outcome.kind);
  const result = resolvedFrom(outcome.image, storeOver(await shop.store(), image.blobs));
  return { built: outcome.image, image: result };
}

async function imageOf(name: string, from: string): Promise<ResolvedImage & { close(): Promise<void> }> {
  const tar = join(folder, `${name}.tar`);
  await run('tar', ['-cf', tar, '--xattrs', '-C', from, '.']);
  return openImage(parseReference(await layoutOf(join(folder, `${name}.oci`), [tar], CONFIG)));
}

async function unpacked(image: ResolvedImage, name: string): Promise<string> {
  const target = join(folder, name);
  const records = await readLayers(image);
  await unpackImage(
    image,
    target,
    records.map((record) => record.index),
  );
  return target;
}

/** A root with a shell and an empty database, in which apk can begin. */
async function bareRoot(name: string): Promise<string> {
  const path = join(folder, name);
  await put(join(path, 'bin/busybox'), await readFile(BUSYBOX));
  await chmod(join(path, 'bin/busybox'), 0o755);
  await symlink('/bin/busybox', join(path, 'bin/sh'));
  await put(join(path, 'etc/apk/world'), `${WORLD.join('\n')}\n`);
  await put(join(path, 'etc/apk/keys', mirror.signer.name), mirror.signer.content);
  await mkdir(join(path, 'lib/apk/db'), { recursive: true });
  for (const name of ['installed', 'triggers']) await put(join(path, 'lib/apk/db', name), '');
  return path;
}

/** What the owner of the image does to it. */
async function edit(path: string): Promise<void> {
  for (const [file, content] of Object.entries(EDITS)) await put(join(path, file), content);
  for (const file of REMOVED) await rm(join(path, file));
}

// No Debian suite has apk: where somebody brings one, it is asked again.
const recordedTest = apkTool === undefined ? undefined : test;
recordedTest?.('what was recorded is what apk says', { skip }, async () => {
  const path = await bareRoot('theirs');
  await mirror.offer(BEFORE);
  mirror.apk(path, 'add', ...WORLD);
  const added = apkFacts(path, built());
  await edit(path);
  await mirror.offer(AFTER);
  mirror.apk(path, 'upgrade');
  const upgraded = apkFacts(path, built());
  if (process.env.HERAKLIT_RECORD_APK === '1')
    await writeFile(FIXTURE, `${JSON.stringify({ added, upgraded }, null, 1)}\n`);
  recorded = JSON.parse(await readFile(FIXTURE, 'utf8'));
  assertSameFacts(added, recorded.added);
  assertSameFacts(upgraded, recorded.upgraded);
});

/** Brings packages into an image that has none, with what patches images that have some. */
async function filled(image: ResolvedImage): Promise<ResolvedImage> {
  const shop = await workshop();
  const { snapshots } = await shop.shelf('alpine/3.22', 'x86_64');
  const indexes = (await readLayers(image)).map(({ index }) => index);
  const { records, world } = await readApkFiles(image, flattenLayers(indexes));
  const solution = solveApk({ universe: createApkUniverse(snapshots), installed: records, world, upgrade: 'all' });
  assert.ok(solution.kind === 'solved');
  const upgrades = solution.changes.flatMap(({ to }) => to ?? []);
  const store = await shop.store();
  const request = {
    image,
    family: 'apk',
    indexes,
    installed: [],
    upgrades,
    steps: solution.changes,
    advisories: [],
  } as const;
  const made = await patch(request, {
    ...{ store, layers: shop.layerFacts, packages: await shop.packages('alpine/3.22') },
    ...{
      plainPackages: shop.plainPackages,
      scratch: shop.options.home.scratch,
      log: silentLog,
      progress: silentProgress,
    },
  });
  return resolvedFrom(made, storeOver(store, image.blobs));
}

test('packages installed, then upgraded: the same root as apk makes', { skip }, async () => {
  await mirror.offer(BEFORE);
  const bare = await imageOf('bare', await bareRoot('bare-root'));
  const path = await unpacked(await filled(bare), 'ours');
  assertSameFacts(apkFacts(path, built()), recorded.added);
  await edit(path);
  const image = await imageOf('edited', path);
  await mirror.offer(AFTER);
  const result = await patched(image);
  assertSameFacts(apkFacts(await unpacked(result.image, 'ours-patched'), built()), recorded.upgraded);

  const { manifest, config } = result.image;
  assert.deepEqual(config.config, CONFIG.config);
  assert.equal(manifest.layers.length, 2);
  assert.equal(manifest.annotations?.[PATCH_ANNOTATION.source], image.digest);
  assert.deepEqual(
    result.built.changes.map(({ package: name, from, to }) => `${name} ${from ?? '-'} ${to ?? '-'}`),
    [
      'alpine-baselayout 3.6.8-r1 3.7.0-r0',
      'busybox 1.37.0-r9 1.37.0-r12',
      'libfoo2 - 2.0-r0',
      'app-data 1.0-r0 1.1-r0',
      'users - 1.0-r0',
      'app 1.0-r0 1.1-r0',
      'app-doc - 1.1-r0',
      'libfoo1 1.0-r0 -',
    ],
  );
  await bare.close();
  await image.close();
});

const INSTALLED = 'lib/apk/db/installed';
const RELEASE = 'ID=alpine\nVERSION_ID=3.22.1\n';
const LIB: ApkSpec = {
  name: 'lib',
  version: '1-r0',
  files: { 'usr/lib/lib.so': 'one', 'usr/lib/gone': 'x', 'etc/lib.conf': 'one' },
};
const NEW_LIB: ApkSpec = {
  ...{ name: 'lib', version: '2-r0', files: { 'usr/lib/lib.so': 'two', 'etc/lib.conf': 'two', 'usr/lib/same': 'x' } },
  scripts: { 'post-upgrade': '#!/bin/sh\nexit 1\n' },
};
/** A record as apk writes it. */
const record = (spec: ApkSpec, more = ''): string => {
  const { identity } = buildApk(spec);
  const hash = (text: string): string => `Q1${createHash('sha1').update(text).digest('base64')}`;
  const files = Object.entries(spec.files ?? {}).map(([path, file]) => {
    const [name = ''] = path.split('/').slice(-1);
    return `F:${path.slice(0, -name.length - 1)}\nR:${name}\nZ:${hash(file as string)}\n`;
  });
  return `C:${identity}\nP:${spec.name}\nV:${spec.version}\nA:x86_64\nS:1\nI:1\nT:x\nU:x\nL:x\n${more}${files.join('')}\n`;
};
const small = (name: string, files: SmallFiles) =>
  smallImage(folder, name, [{ 'etc/os-release': RELEASE, ...(LIB.files as SmallFiles), ...files }]);
const textOf = async (image: ResolvedImage, path: string): Promise<string | undefined> => {
  const tree = flattenLayers((await readLayers(image)).map(({ index }) => index));
  const files = await readFiles(image, tree, new Set([path]));
  const bytes = files.get(path);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};

test('an image without shell and apk, in which nothing ever ran: files, whiteouts, database', async () => {
  await mirror.offer([NEW_LIB]);
  const image = await small('distroless', { [INSTALLED]: record(LIB), 'etc/lib.conf': 'mine', 'usr/lib/same': 'x' });
  const { image: result } = await patched(image);
  assert.deepEqual(
    await Promise.all(
      ['usr/lib/lib.so', 'usr/lib/gone', 'etc/lib.conf', 'etc/lib.conf.apk-new'].map((path) => textOf(result, path)),
    ),
    ['two', undefined, 'mine', 'two'],
  );
  const database = (await textOf(result, INSTALLED)) ?? '';
  assert.match(database, /^P:lib\nV:2-r0$/m);
  assert.match(database, /^R:lib\.so\nZ:Q1/m);
  // What came out as it was is not in the layer.
  const [, layer] = await readLayers(result);
  assert.deepEqual(
    layer?.index.entries.filter(({ type }) => type === 'file').map(({ path }) => path),
    ['etc/lib.conf.apk-new', INSTALLED, 'lib/apk/db/scripts.tar.gz', 'usr/lib/lib.so'],
  );
  await image.close();
});

const refused = async (image: ResolvedImage, code: string): Promise<void> => {
  const shop = await workshop();
  await assert.rejects(
    patchImage(image, {}, shop),
    (error) => isHeraklitError(error, code) || assert.fail(String(error)),
  );
  assert.deepEqual(await readdir(shop.options.home.scratch).catch(() => []), []);
};

test('what cannot be done is refused, and nothing is written', { skip }, async () => {
  await mirror.offer([NEW_LIB]);
  const shell = { 'bin/busybox': { program: await readFile(BUSYBOX) }, 'bin/sh': { link: 'busybox' } };
  const tools = record({ name: 'apk-tools', version: '2.14-r0' });
  // Scripts ran once, and nothing is left to run them.
  await refused(await small('stripped', { [INSTALLED]: record(LIB) + tools }), 'PATCH_SCRIPTS_NEEDED');
  await refused(await small('failing', { [INSTALLED]: record(LIB), ...shell }), 'PATCH_FAILED');
  await mirror.offer([{ ...NEW_LIB, depends: ['nobody-has-this'] }]);
  await refused(
    await small('unmet', { [INSTALLED]: record(LIB).replace('V:1-r0', 'V:0-r0'), 'etc/apk/world': 'lib>1\n' }),
    'PATCH_UNSOLVABLE',
  );
  // Two packages with one file, and neither says that it replaces the other.
  await mirror.offer([NEW_LIB, { name: 'other', version: '2-r0', files: { 'usr/lib/lib.so': 'x' } }]);
  const other = record({ name: 'other', version: '1-r0', files: { 'usr/lib/other': 'x' } });
  await refused(await small('overlap', { [INSTALLED]: record(LIB) + other }), 'PATCH_FAILED');
  await refused(await small('binary', { 'lib/apk/db/installed.adb': 'ADBd' }), 'IMAGE_UNSUPPORTED');
  await refused(await small('broken', { [INSTALLED]: `${record(LIB)}no field\n` }), 'DISTRO_CONTROL_INVALID');
});

test('a library that stays unless somebody wants more of it moves with the one package that is chosen', async () => {
  const foo = (version: number): ApkSpec => ({
    ...{ name: 'libfoo', version: `${version}-r0`, provides: [`so:libfoo.so.${version}=${version}`] },
    files: { 'usr/lib/libfoo': `${version}` },
  });
  const tool = (name: string, needs: number, version: number): ApkSpec => ({
    ...{
      name,
      version: `${version}-r0`,
      depends: [`so:libfoo.so.${needs}`],
      files: { [`usr/bin/${name}`]: `${version}` },
    },
  });
  await mirror.offer([foo(2), tool('chosen', 2, 2), tool('other', 2, 2)]);
  const before = [foo(1), tool('chosen', 1, 1), tool('other', 1, 1)];
  const database = before
    .map((spec) =>
      record(
        spec,
        `${(spec.depends ?? []).map((one) => `D:${one}\n`).join('')}${(spec.provides ?? []).map((one) => `p:${one}\n`).join('')}`,
      ),
    )
    .join('');
  const image = await small('tied', { [INSTALLED]: database, 'etc/apk/world': 'chosen\nlibfoo\nother\n' });
  const { built: made } = await patched(image, { packages: ['chosen'] });
  assert.deepEqual(made.changes.map(({ package: name, to }) => `${name} ${to}`).sort(), [
    'chosen 2-r0',
    'libfoo 2-r0',
    'other 2-r0',
  ]);
  await image.close();
});

test('filters: one package and what it needs, the rest stays as it is', async () => {
  const libc = (version: string): ApkSpec => ({ name: 'libc', version, files: { 'usr/lib/libc.so': version } });
  const tool = (version: string): ApkSpec => ({ name: 'tool', version, files: { 'usr/bin/tool': version } });
  await mirror.offer([{ ...NEW_LIB, scripts: {}, depends: ['libc>=2'] }, libc('2-r0'), tool('2-r0')]);
  const database = [LIB, libc('1-r0'), tool('1-r0')].map((spec) => record(spec)).join('');
  const image = await small('filtered', { [INSTALLED]: database });
  const one = await patched(image, { packages: ['lib'] });
  const changes = (result: { built: BuiltImage }) =>
    result.built.changes.map(({ package: name, to }) => `${name} ${to}`).sort();
  assert.deepEqual(changes(one), ['lib 2-r0', 'libc 2-r0']);
  // Patched again, from the original: one layer, and what was brought is not taken back.
  const two = await patched(one.image, { packages: ['tool'] });
  assert.deepEqual(changes(two), ['lib 2-r0', 'libc 2-r0', 'tool 2-r0']);
  assert.equal(two.image.manifest.layers.length, 2);
  assert.equal(two.image.manifest.annotations?.[PATCH_ANNOTATION.source], image.digest);
  await image.close();
});
