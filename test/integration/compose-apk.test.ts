/**
 * `build` of apk images against the real apk: packages and a mirror are made here; what `apk add` (apk-tools 3.0.6) makes
 * of an empty root was recorded (test/fixtures/apk/upgrade.json), and is asked again where the machine has apk
 * (HERAKLIT_TEST_APK). No package of Alpine itself is in these tests.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import { type ApkSpec, type BuiltApk, buildApk } from '../../src/distro/testing/apk-packages.ts';
import { type BuildRecipeOptions, type BuiltRecipe, buildRecipe, openWorkshop } from '../../src/engine/index.ts';
import { lockRecipeFile } from '../../src/engine/workshop/index.ts';
import { inspectImage, readLayers } from '../../src/inventory/index.ts';
import { apkFacts } from '../support/apk-facts.ts';
import { AFTER, BEFORE, BUSYBOX, WORLD } from '../support/apk-scenario.ts';
import { apkTool } from '../support/apk-tool.ts';
import { ApkMirror, put } from '../support/apk-world.ts';
import { unpackImage } from '../support/debian-image.ts';
import { assertSameFacts } from '../support/same-facts.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/apk/upgrade.json');
const root = process.getuid?.() === 0 && existsSync('/usr/bin/perl');
const skip = !root ? 'needs root and perl' : existsSync(BUSYBOX) ? undefined : 'busybox-static not installed';

let folder: string;
let mirror: ApkMirror;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compose-apk-'));
  mirror = new ApkMirror(join(folder, 'mirror'));
});
after(() => rm(folder, { recursive: true, force: true }));

const packages = (): readonly BuiltApk[] => [...BEFORE, ...AFTER].map((spec) => buildApk(spec));

function workshop(home: string) {
  const key = { name: mirror.signer.name, content: mirror.signer.content };
  const options = { log: silentLog, progress: silentProgress, mirror: mirror.url, keyFiles: [key] };
  return openWorkshop({ home: homeAt(join(folder, home, 'home')), ...options });
}

/** A recipe in a folder of its own, with the lines given. */
async function recipe(name: string, ...lines: readonly string[]): Promise<string> {
  const path = join(folder, name, 'app.yaml');
  const head = ['apiVersion: heraklit/v1', 'kind: Image', 'name: app'];
  const own = lines.some((line) => /^(?:from|distribution):/.test(line)) ? [] : ['distribution: alpine/3.22'];
  await put(path, [...head, ...own, ...lines, ''].join('\n'));
  return path;
}

const build = async (path: string, home: string, options: Partial<BuildRecipeOptions> = {}): Promise<BuiltRecipe> =>
  buildRecipe(path, { architecture: 'amd64', ...options }, workshop(home));

const versionsOf = ({ built }: Pick<BuiltRecipe, 'built'>): readonly string[] =>
  built.lock.packages.map(({ name, version }) => `${name}-${version}`);

async function unpacked({ image }: BuiltRecipe, name: string): Promise<string> {
  const records = await readLayers(image);
  const target = join(folder, name);
  await mkdir(target, { recursive: true });
  await unpackImage(
    image,
    target,
    records.map(({ index }) => index),
  );
  return target;
}

/** What the real apk makes of an empty root. */
async function theirs(): Promise<Readonly<Record<string, string>>> {
  if (apkTool === undefined) return JSON.parse(await readFile(FIXTURE, 'utf8')).added;
  const path = join(folder, 'theirs');
  await put(join(path, 'etc/apk/keys', mirror.signer.name), mirror.signer.content);
  mirror.apk(path, 'add', '--initdb', ...WORLD);
  return apkFacts(path, packages());
}

const failsWith =
  (code: string, message = /./) =>
  (error: unknown): boolean => {
    assert.ok(isHeraklitError(error, code), String(error));
    assert.match(error.message, message);
    return true;
  };

test('with scripts: the root that apk makes, and the same digest elsewhere', { skip }, async () => {
  await mirror.offer(BEFORE);
  const lines = [`packages: [${WORLD.join(', ')}]`];
  const first = await build(await recipe('one', ...lines), 'one');
  const path = await unpacked(first, 'ours');
  assertSameFacts(apkFacts(path, packages()), await theirs());
  assert.equal((await stat(join(path, 'tmp'))).mode & 0o7777, 0o1777);
  assert.ok(first.image.manifest.layers.length <= 64);
  const second = await build(await recipe('two', ...lines), 'two');
  assert.equal(second.image.digest, first.image.digest);
  // Nothing runs again, and nothing is built again.
  const again = await build(join(folder, 'one', 'app.yaml'), 'one', { locked: true });
  assert.equal(again.image.digest, first.image.digest);
  assert.equal(again.built.statistics.layersBuilt, 0);
  assert.match(again.built.scripts ?? '', /ran before/);
  const contents = await inspectImage(first.image);
  assert.equal(contents.distribution?.name, 'alpine/3.22');
  assert.deepEqual(contents.packages.map(({ name }) => name).sort(), [
    ...['alpine-baselayout', 'app', 'app-data', 'busybox', 'keeper', 'libfoo1'],
  ]);
});

test('an update on top of what was built equals a build from scratch; layers that did not change stay', {
  skip,
}, async () => {
  const lines = [`packages: [${WORLD.join(', ')}]`];
  const before = await build(join(folder, 'one', 'app.yaml'), 'one');
  await mirror.offer(AFTER);
  const step = await build(join(folder, 'one', 'app.yaml'), 'one', { update: true });
  const scratch = await build(await recipe('three', ...lines), 'three');
  assert.equal(step.image.digest, scratch.image.digest);
  assert.deepEqual(
    step.built.changes.map(({ package: name, from, to }) => `${name} ${from ?? '-'} ${to ?? '-'}`).sort(),
    [
      'alpine-baselayout 3.6.8-r1 3.7.0-r0',
      'app 1.0-r0 1.1-r0',
      'app-data 1.0-r0 1.1-r0',
      'app-doc - 1.1-r0',
      'busybox 1.37.0-r9 1.37.0-r12',
      'libfoo1 1.0-r0 -',
      'libfoo2 - 2.0-r0',
      'users - 1.0-r0',
    ],
  );
  assert.notEqual(step.image.digest, before.image.digest);
});

const shell: ApkSpec = {
  ...{ name: 'busybox', version: '1.37.0-r9', origin: 'busybox', provides: ['/bin/sh'] },
  files: {
    'bin/busybox': { content: 'not run here', mode: 0o755 },
    'etc/busybox-paths.d/busybox': '/bin/sh\n/usr/bin/[\n/bin/cat\n../../evil\n',
  },
  scripts: { 'post-install': '#!/bin/sh\nexit 1\n' },
};
const plain = (name: string, version: string, more: Partial<ApkSpec> = {}): ApkSpec => ({
  ...{ name, version, files: { [`usr/share/${name}`]: version } },
  ...more,
});

test('without scripts: links of busybox by its list, no privileges needed', async () => {
  const release = 'ID=alpine\nVERSION_ID=3.22.1\n';
  const accounts = {
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
    'etc/group': 'root:x:0:root\nwheel:x:10:\n',
    'etc/shadow': { content: 'root:*::0:::::\n', mode: 0o640 },
  };
  const layout = plain('layout', '1-r0', {
    files: { 'etc/os-release': release, ...accounts, lib: { link: 'usr/lib' }, 'usr/lib/os-release': release },
  });
  const zones = plain('tzdata', '2026a-r0', { files: { 'usr/share/zoneinfo/Europe/Berlin': 'TZif' } });
  // A package from before the folders were merged.
  const old = plain('old', '1-r0', { files: { 'lib/libold.so': 'old' }, depends: ['layout'] });
  await mirror.offer([shell, layout, zones, old, plain('big', '1-r0')]);
  const path = await recipe(
    'none',
    'packages: [busybox, layout, old, tzdata]',
    'scripts: none',
    'timezone: Europe/Berlin',
    'users: [{ name: app, uid: 4242, groups: [wheel], home: /home/app, createHome: true }]',
    'files: [{ path: /lib/own.conf, content: mine }]',
    'config: { entrypoint: [/bin/sh] }',
    'checks: [{ file: /lib/libold.so }, { file: /usr/lib/own.conf }, { file: /bin/sh, type: symlink }]',
  );
  const result = await build(path, 'none');
  const at = await unpacked(result, 'none-root');
  const text = (name: string): Promise<string> => readFile(join(at, name), 'utf8');
  assert.equal(await readlink(join(at, 'bin/cat')), '/bin/busybox');
  assert.equal(await readlink(join(at, 'usr/bin/[')), '/bin/busybox');
  assert.ok(!existsSync(join(folder, 'evil')));
  assert.equal(await text('usr/lib/own.conf'), 'mine');
  assert.match(await text('etc/passwd'), /^app:x:4242:4242::\/home\/app:\/sbin\/nologin$/m);
  assert.match(await text('etc/group'), /^wheel:x:10:app$/m);
  assert.equal(await readlink(join(at, 'etc/localtime')), '/usr/share/zoneinfo/Europe/Berlin');
  assert.equal(await text('etc/apk/world'), 'busybox\nlayout\nold\ntzdata\n');
  assert.equal(await text('etc/apk/arch'), 'x86_64\n');
  assert.equal(result.built.scripts, undefined);
  const aarch = join(folder, 'none', 'app.yaml');
  await assert.rejects(build(aarch, 'none', { architecture: 'arm64' }), failsWith('FEED_NOT_FOUND'));
});

test('constraints, conflicts, providers, install_if, exclusions', async () => {
  await mirror.offer(
    [
      ...['1.0-r0', '1.1-r0', '2.0-r0'].map((version) => plain('tool', version, { depends: ['so:libt.so.1', 'mail'] })),
      plain('libt', '1-r0', { provides: ['so:libt.so.1=1'] }),
      plain('exim', '1-r0', { provides: ['mail'], providerPriority: 10 }),
      plain('postfix', '1-r0', { provides: ['mail'], providerPriority: 20 }),
      plain('tool-doc', '2.0-r0', { installIf: ['tool=2.0-r0', 'docs'] }),
    ],
    [plain('docs', '1-r0'), plain('tool', '2.1-r0', { depends: ['nobody-has-this'] })],
  );
  const locked = async (name: string, ...lines: readonly string[]): Promise<readonly string[]> => {
    const path = await recipe(name, ...lines);
    const { lock } = await lockRecipeFile(path, { architecture: 'amd64' }, workshop(name));
    return lock.packages.map((item) => `${item.name}-${item.version}`);
  };
  const latest = ['docs-1-r0', 'libt-1-r0', 'postfix-1-r0', 'tool-2.0-r0', 'tool-doc-2.0-r0'];
  assert.deepEqual(await locked('c1', 'packages: [tool, docs]'), latest);
  assert.deepEqual(await locked('c2', 'packages: ["tool~1", "!postfix"]'), ['exim-1-r0', 'libt-1-r0', 'tool-1.1-r0']);
  assert.deepEqual(await locked('c3', 'packages: ["tool<1.1", exim]'), ['exim-1-r0', 'libt-1-r0', 'tool-1.0-r0']);
  assert.deepEqual(await locked('c4', 'packages: [tool]', 'exclude: ["post*"]'), [
    ...['exim-1-r0', 'libt-1-r0', 'tool-2.0-r0'],
  ]);
  assert.deepEqual(await locked('c5', 'packages: ["so:libt.so.1"]'), ['libt-1-r0']);
  await assert.rejects(
    locked('c6', 'packages: ["tool>2.0-r0"]'),
    failsWith('COMPOSE_UNSOLVABLE', /nobody-has-this|tool/),
  );
  await assert.rejects(locked('c7', 'packages: [never-heard]'), failsWith('COMPOSE_UNSOLVABLE', /never-heard/));
  await assert.rejects(
    locked('c8', 'packages: ["tool (>= 1)"]'),
    failsWith('RECIPE_INVALID', /expected a package: name, name=version, name~version/),
  );
  await assert.rejects(locked('c9', 'packages: [tool]', 'asOf: "2026-01-31"'), failsWith('RECIPE_INVALID', /Debian/));
});

test('a repository of the recipe, with its key and a tag', async () => {
  const edge = new ApkMirror(join(folder, 'edge'));
  await mirror.offer(
    [plain('app', '1.0-r0', { depends: ['lib'] }), plain('lib', '1.0-r0')],
    [plain('apk-tools', '2.14-r0')],
  );
  await edge.offer([plain('app', '2.0-r0', { depends: ['lib>=2'] }), plain('lib', '2.0-r0'), plain('other', '2.0-r0')]);
  const url = `file://${edge.repository('main')}`;
  const lines = (word: string): readonly string[] => [
    `packages: [${word}]`,
    'scripts: none',
    `repositories: [{ name: edge, url: "${url}", keyring: ${edge.signer.name}, tag: edge }]`,
  ];
  const path = await recipe('tagged', ...lines('app@edge'));
  await put(join(folder, 'tagged', edge.signer.name), edge.signer.content);
  const result = await build(path, 'tagged');
  assert.deepEqual(versionsOf(result), ['app-2.0-r0', 'lib-2.0-r0']);
  assert.deepEqual(
    result.built.lock.repositories.map(({ id }) => id),
    ['alpine/3.22/+edge/x86_64'],
  );
  // Whoever has apk in the image finds the repository and its key.
  await recipe('tagged', ...lines('app@edge, apk-tools'));
  const at = await unpacked(await build(path, 'tagged'), 'tagged-root');
  assert.equal(await readFile(join(at, 'etc/apk/repositories'), 'utf8'), `@edge ${url}\n`);
  assert.equal(await readFile(join(at, 'etc/apk/keys', edge.signer.name), 'utf8'), edge.signer.content);
  assert.ok(existsSync(join(at, 'lib/apk/db/scripts.tar')), 'as apk 2 wants it');
  await recipe('tagged', ...lines('app'));
  assert.deepEqual(versionsOf(await build(path, 'tagged')), ['app-1.0-r0', 'lib-1.0-r0']);
  await put(join(folder, 'tagged', edge.signer.name), mirror.signer.content);
  await assert.rejects(build(path, 'other', { update: true }), failsWith('DISTRO_INDEX_UNSIGNED'));
});

test('one package of a lock moves; what is on hold stays; drift is refused', async () => {
  const specs = (version: string): readonly ApkSpec[] => [
    plain('app', `${version}-r0`, { depends: [`lib>=${version}`] }),
    plain('lib', `${version}-r0`),
    plain('other', `${version}-r0`),
  ];
  await mirror.offer(specs('1'));
  const path = await recipe('moving', 'packages: [app, other]', 'scripts: none');
  assert.deepEqual(versionsOf(await build(path, 'moving')), ['app-1-r0', 'lib-1-r0', 'other-1-r0']);
  await mirror.offer(specs('2'));
  const moved = await build(path, 'moving', { update: ['app'] });
  assert.deepEqual(versionsOf(moved), ['app-2-r0', 'lib-2-r0', 'other-1-r0']);
  await assert.rejects(build(path, 'moving', { update: ['nothing'] }), failsWith('COMPOSE_NOT_LOCKED'));
  const held = await recipe('moving', 'packages: [app, other]', 'scripts: none', 'hold: [other]');
  assert.deepEqual(versionsOf(await build(held, 'moving', { update: true })), ['app-2-r0', 'lib-2-r0', 'other-1-r0']);
  await recipe('moving', 'packages: [app]', 'scripts: none');
  await assert.rejects(build(path, 'moving', { locked: true }), failsWith('COMPOSE_LOCK_STALE', /other/));
});

test('on a base: only what it lacks; another version of what it holds is refused', async () => {
  await mirror.offer([plain('lib', '1-r0'), plain('app', '1-r0', { depends: ['lib'] })]);
  await put(
    join(folder, 'stack', 'base.yaml'),
    'apiVersion: heraklit/v1\nkind: Image\nname: base\ndistribution: alpine/3.22\npackages: [lib]\nscripts: none\n',
  );
  const path = await recipe('stack', 'from: base', 'packages: [app]', 'scripts: none');
  const result = await build(path, 'stack');
  assert.deepEqual(versionsOf(result), ['app-1-r0']);
  const at = await unpacked(result, 'stack-root');
  assert.equal(await readFile(join(at, 'etc/apk/world'), 'utf8'), 'app\nlib\n');
  assert.match(await readFile(join(at, 'lib/apk/db/installed'), 'utf8'), /^P:app$[\s\S]*^P:lib$/m);
  await mirror.offer([plain('lib', '2-r0'), plain('app', '2-r0', { depends: ['lib>=2'] })]);
  const settled = { update: true, base: await baseOf('stack') } as const;
  await assert.rejects(build(path, 'stack', settled), failsWith('COMPOSE_BASE_MISMATCH', /lib/));
});

const baseOf = async (name: string) => (await build(join(folder, name, 'base.yaml'), name, { locked: true })).image;

test('what cannot be built says why', { skip }, async () => {
  const busy = { ...shell, files: { 'bin/busybox': { content: await readFile(BUSYBOX), mode: 0o755 } } };
  const sh = { ...busy, files: { ...busy.files, 'bin/sh': { link: 'busybox' } } };
  await mirror.offer([sh, plain('a', '1-r0'), plain('b', '1-r0', { files: { 'usr/share/a': 'other' } })]);
  const failing = await recipe('failing', 'packages: [busybox]');
  await assert.rejects(build(failing, 'failing'), failsWith('COMPOSE_SCRIPT_FAILED', /post-install/));
  const overlap = await recipe('overlap', 'packages: [a, b]', 'scripts: none');
  await assert.rejects(build(overlap, 'overlap'), failsWith('COMPOSE_FILE_CONFLICT', /usr\/share\/a/));
  const arch = await recipe('arch', 'distribution: arch/rolling', 'packages: [a]');
  await assert.rejects(build(arch, 'arch'), failsWith('COMPOSE_FAMILY'));
});
