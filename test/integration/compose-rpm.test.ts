/**
 * `build` of rpm images against `dnf --installroot`: real packages and repositories are made here, one root is composed,
 * the other filled by dnf. Both must hold the same files and the same packages.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import { type BuildRecipeOptions, type BuiltRecipe, buildRecipe, openWorkshop } from '../../src/engine/index.ts';
import { inspectImage, readLayers } from '../../src/inventory/index.ts';
import { differences, factsOfRoot } from '../support/compare-roots.ts';
import { unpackImage } from '../support/debian-image.ts';
import { hasRpmTools, RPM_DATABASE, type RpmSpec, RpmWorld } from '../support/rpm-world.ts';

const missing = hasRpmTools('rpm', 'rpmbuild', 'createrepo_c', 'dnf')
  ? existsSync('/bin/busybox')
    ? undefined
    : 'busybox-static not installed'
  : 'rpm, rpmbuild, createrepo_c or dnf not installed';
const skip = process.getuid?.() === 0 && existsSync('/usr/bin/perl') ? missing : 'needs root and perl';

const log = (section: string, line: string): string => `${section}\necho "${line} $1" >> /etc/history`;

const shell: RpmSpec = {
  ...{ name: 'shell', evr: '1-1', arch: 'x86_64', tags: ['Provides: /bin/sh', 'AutoReqProv: no'] },
  files: { '/etc/os-release': 'ID=fedora\nVERSION_ID=42\n', '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n' },
  install: [
    'mkdir -p %{buildroot}/bin %{buildroot}/var/tmp; cp /bin/busybox %{buildroot}/bin/busybox',
    'for name in sh cat echo sort; do ln -s busybox %{buildroot}/bin/$name; done',
  ],
  listed: ['/bin/busybox', '/bin/sh', '/bin/cat', '/bin/echo', '/bin/sort', '%dir %attr(1777, root, root) /var/tmp'],
};
const FIRST: readonly RpmSpec[] = [
  shell,
  {
    ...{ name: 'app', evr: '1:1-1', tags: ['Requires(pre): shell', 'Requires: libfoo.so.1', 'Recommends: extra'] },
    files: { '/usr/bin/app': 'one' },
    configs: { '/etc/app.conf': 'color=red' },
    listed: ['%ghost /etc/app/ghost', '%dir %attr(0750, root, root) /var/lib/app'],
    install: ['mkdir -p %{buildroot}/var/lib/app'],
    sections: [log('%pre', 'pre'), log('%post', 'post'), log('%posttrans', 'posttrans')],
  },
  {
    ...{ name: 'libfoo', evr: '1-1', tags: ['Provides: libfoo.so.1'], files: { '/usr/lib/libfoo.so.1': 'one' } },
    install: ['ln %{buildroot}/usr/lib/libfoo.so.1 %{buildroot}/usr/lib/libfoo.so'],
    listed: ['/usr/lib/libfoo.so'],
  },
  {
    ...{ name: 'watcher', evr: '1-1', tags: ['Requires(pre): shell'], files: { '/usr/share/watcher': 'x' } },
    sections: ['%transfiletriggerin -- /usr/lib\nsort >> /etc/triggered'],
  },
  { name: 'extra', evr: '1-1', files: { '/usr/share/extra': 'x' } },
  { name: 'deep', evr: '1-1', tags: ['Requires: /usr/share/somewhere/deep'] },
  { name: 'far', evr: '1-1', files: { '/usr/share/somewhere/deep': 'x' } },
  { name: 'unmet', evr: '1-1', tags: ['Requires: nobody-has-this'] },
  { name: 'failing', evr: '1-1', tags: ['Requires(pre): shell'], sections: ['%post\nexit 7'] },
];
const SECOND: readonly RpmSpec[] = [
  { name: 'libfoo', evr: '1-2', tags: ['Provides: libfoo.so.1'], files: { '/usr/lib/libfoo.so.1': 'two' } },
  { name: 'extra', evr: '2-1', files: { '/usr/share/extra': 'y' } },
];

let world: RpmWorld;
let old: string;
let updated: string;

before(async () => {
  if (skip !== undefined) return;
  world = await RpmWorld.create();
  const [first, second] = [await world.build(FIRST, 'first'), await world.build(SECOND, 'second')];
  old = await world.repository('old', first);
  updated = await world.repository('updated', [...first, ...second]);
});
after(() => world?.remove());

const at = (name: string): string => join(world.folder, name);

function workshop(home: string, repository: string) {
  const named = [{ name: 'own', urls: [`file://${repository}`], trusted: true }];
  const options = { log: silentLog, progress: silentProgress, distributions: { 'fedora/42': { repositories: named } } };
  return openWorkshop({ home: homeAt(join(at(home), 'home')), ...options });
}

async function recipe(name: string, ...lines: readonly string[]): Promise<string> {
  await mkdir(at(name), { recursive: true });
  const path = join(at(name), 'app.yaml');
  const head = ['apiVersion: heraklit/v1', 'kind: Image', 'name: app', 'distribution: fedora/42'];
  await writeFile(path, [...head, ...lines, ''].join('\n'));
  return path;
}

const build = (
  path: string,
  home: string,
  options: Partial<BuildRecipeOptions> = {},
  repository = old,
): Promise<BuiltRecipe> => buildRecipe(path, { architecture: 'amd64', ...options }, workshop(home, repository));

const versionsOf = ({ built }: BuiltRecipe): readonly string[] =>
  built.lock.packages.map(({ name, version }) => `${name}-${version}`);

async function unpacked({ image }: BuiltRecipe, name: string): Promise<string> {
  const indexes = (await readLayers(image)).map(({ index }) => index);
  await mkdir(at(name), { recursive: true });
  await unpackImage(image, at(name), indexes);
  return at(name);
}

/** rpm's word on a root: empty where every file is as its package says. */
function verified(root: string): string {
  try {
    return execFileSync('rpm', ['--root', root, '--dbpath', RPM_DATABASE, '-Va', '--nodeps'], { encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

const failsWith =
  (code: string, message = /./) =>
  (error: unknown): boolean => {
    assert.ok(isHeraklitError(error, code), String(error));
    assert.match(error.message, message);
    return true;
  };

test('the root that dnf makes, sound in rpm’s own eyes; the same digest in another folder', { skip }, async () => {
  const first = await build(await recipe('one', 'packages: [app, watcher]'), 'one');
  assert.deepEqual(versionsOf(first), ['app-1:1-1', 'libfoo-1-1', 'shell-1-1', 'watcher-1-1']);
  const ours = await unpacked(first, 'ours');
  await world.dnf(
    'theirs',
    { own: old },
    'install',
    '-y',
    '--nogpgcheck',
    '--setopt=install_weak_deps=0',
    'app',
    'watcher',
  );
  // The database is compared by what it says below; dnf has a history and settings of its own.
  const isOwn = (path: string): boolean =>
    /^(?:usr\/lib\/sysimage\/rpm|var\/lib\/dnf|var\/cache|etc\/dnf)(?:\/|$)/.test(path);
  const facts = (root: string) => new Map([...factsOfRoot(root)].filter(([path]) => !isOwn(path)));
  assert.deepEqual(differences(facts(ours), facts(at('theirs'))), []);
  const list = (root: string): string =>
    execFileSync('rpm', ['--root', root, '--dbpath', RPM_DATABASE, '-qa', '--qf', '%{nevra} %{sigmd5}\n'], {
      encoding: 'utf8',
    })
      .split('\n')
      .sort()
      .join('\n');
  assert.equal(list(ours), list(at('theirs')));
  assert.equal(verified(ours), '');
  assert.equal((await inspectImage(first.image)).packages.length, 4);

  const second = await build(await recipe('two', 'packages: [app, watcher]'), 'two');
  assert.equal(second.image.digest, first.image.digest);
  const again = await build(join(at('one'), 'app.yaml'), 'one', { locked: true });
  assert.equal(again.image.digest, first.image.digest);
  assert.equal(again.built.statistics.layersBuilt, 0);
});

test('an update equals a build from scratch, and changes the layers of what moved', { skip }, async () => {
  const path = join(at('one'), 'app.yaml');
  const before = await build(path, 'one', { locked: true });
  const step = await build(path, 'one', { update: true }, updated);
  const scratch = await build(await recipe('three', 'packages: [app, watcher]'), 'three', {}, updated);
  assert.equal(step.image.digest, scratch.image.digest);
  assert.deepEqual(
    step.built.changes.map(({ package: name, from, to }) => `${name} ${from} ${to}`),
    ['libfoo 1-1 1-2'],
  );
  const digests = new Set(before.image.manifest.layers.map(({ digest }) => digest));
  const changed = step.image.manifest.layers.filter(({ digest }) => !digests.has(digest));
  assert.equal(changed.length, 2, 'libfoo, and the package database');
});

test('recommends, exclusions, versions, file names, hold, one package moved', { skip }, async () => {
  const path = await recipe('choose', 'packages: [app, deep]', 'recommends: true', 'scripts: none');
  const all = ['app-1:1-1', 'deep-1-1', 'extra-1-1', 'far-1-1', 'libfoo-1-1', 'shell-1-1'];
  assert.deepEqual(versionsOf(await build(path, 'choose')), all);
  const moved = await build(path, 'choose', { update: ['libfoo'] }, updated);
  assert.deepEqual(versionsOf(moved), all.with(4, 'libfoo-1-2'));
  await assert.rejects(build(path, 'choose', { update: ['nothing'] }, updated), failsWith('COMPOSE_NOT_LOCKED'));
  await recipe('choose', 'packages: [app]', 'recommends: true', 'exclude: ["ext*"]', 'hold: [libfoo]', 'scripts: none');
  const held = await build(path, 'choose', { update: true }, updated);
  assert.deepEqual(versionsOf(held), ['app-1:1-1', 'libfoo-1-2', 'shell-1-1']);
  await recipe('choose', 'packages: [libfoo-1-1, "extra >= 2"]', 'scripts: none');
  assert.deepEqual(versionsOf(await build(path, 'choose', {}, updated)), ['extra-2-1', 'libfoo-1-1']);
});

test('files, users and checks over rpm packages', { skip }, async () => {
  const path = await recipe(
    'own',
    'packages: [app]',
    'users: [{ name: app, uid: 4242, home: /home/app, createHome: true }]',
    'files: [{ path: /etc/app.conf, content: "color=blue" }]',
    'checks: [{ run: [/bin/cat, /etc/app.conf], stdout: "^color=blue$" }, { file: /usr/lib/libfoo.so }]',
  );
  const result = await build(path, 'own');
  const root = await unpacked(result, 'own-root');
  assert.match(await readFile(join(root, 'etc/passwd'), 'utf8'), /^app:x?\*?:4242:4242::\/home\/app:\/sbin\/nologin$/m);
  assert.equal(await readFile(join(root, 'etc/history'), 'utf8'), 'pre 1\npost 1\nposttrans 1\n');
});

test('what cannot be built says why', { skip }, async () => {
  const path = await recipe('bad', 'packages: [unmet]');
  await assert.rejects(build(path, 'bad'), failsWith('COMPOSE_UNSOLVABLE', /nobody-has-this/));
  await recipe('bad', 'packages: [never-heard]');
  await assert.rejects(build(path, 'bad'), failsWith('COMPOSE_UNSOLVABLE', /never-heard/));
  await recipe('bad', 'packages: [failing]');
  await assert.rejects(build(path, 'bad'), failsWith('COMPOSE_SCRIPT_FAILED', /failing/));
  const repositories = [{ name: 'own', urls: [`file://${old}`], trusted: true }];
  const options = { log: silentLog, progress: silentProgress };
  const home = homeAt(join(at('bad'), 'home'));
  // Debian's rpm writes SQLite alone; whichever this machine has, it writes the right format or nothing.
  for (const [distribution, why] of [
    ['rocky/8', /Berkeley DB/],
    ['opensuse/15.6', /cannot write the database/],
  ] as const) {
    await writeFile(path, (await readFile(path, 'utf8')).replace(/distribution: .*/, `distribution: ${distribution}`));
    await writeFile(path, (await readFile(path, 'utf8')).replace('[failing]', '[shell]'));
    const shop = openWorkshop({ home, ...options, distributions: { [distribution]: { repositories } } });
    const outcome = await buildRecipe(path, { architecture: 'amd64' }, shop).catch((error: unknown) => error);
    if (outcome instanceof Error) failsWith('COMPOSE_NO_TOOL', why)(outcome);
    else assert.equal((await inspectImage((outcome as BuiltRecipe).image)).packageDatabase, 'rpm-ndb');
  }
});
