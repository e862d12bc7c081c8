/**
 * `patch` of rpm images against dnf: packages and a mirror are made here; one copy of a root is patched, the other
 * brought up to date by `dnf upgrade`. Both must hold the same files and the same packages.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import { PATCH_ANNOTATION } from '../../src/build/index.ts';
import { openWorkshop, type PatchFilter, patchImage, resolvedFrom, storeOver } from '../../src/engine/index.ts';
import { findOutdated, inspectImage, readLayers } from '../../src/inventory/index.ts';
import { type ImageConfig, parseReference, type ResolvedImage } from '../../src/oci/index.ts';
import { openImage } from '../../src/transport/index.ts';
import { differences, factsOfRoot } from '../support/compare-roots.ts';
import { layoutOf, run, unpackImage } from '../support/debian-image.ts';
import { hasRpmTools, RPM_DATABASE, type RpmSpec, RpmWorld } from '../support/rpm-world.ts';

const BUSYBOX = '/bin/busybox';
const missing = hasRpmTools('rpm', 'rpmbuild', 'createrepo_c', 'dnf')
  ? existsSync(BUSYBOX)
    ? undefined
    : 'busybox-static not installed'
  : 'rpm, rpmbuild, createrepo_c or dnf not installed';
const skip = process.getuid?.() === 0 && existsSync('/usr/bin/perl') ? missing : 'needs root and perl';

const CONFIG = { config: { Entrypoint: ['/usr/bin/app'], Labels: { kept: 'yes' } } };
const log = (section: string, line: string): string => `${section}\necho "${line} $1" >> /etc/history`;

const shell: RpmSpec = {
  name: 'shell',
  evr: '1-1',
  arch: 'x86_64',
  tags: ['Provides: /bin/sh', 'AutoReqProv: no'],
  install: [
    'mkdir -p %{buildroot}/bin; cp /bin/busybox %{buildroot}/bin/busybox',
    'for name in sh cat echo sort; do ln -s busybox %{buildroot}/bin/$name; done',
  ],
  listed: ['/bin/busybox', '/bin/sh', '/bin/cat', '/bin/echo', '/bin/sort'],
};
const app = (version: string, more: Partial<RpmSpec>): RpmSpec => ({
  name: 'app',
  evr: `${version}-1`,
  configs: { '/etc/app/edited.conf': `${version}`, '/etc/app/plain.conf': `${version}`, '/etc/app/same.conf': 'same' },
  install: ['printf replaced%{version} > %{buildroot}/etc/app/replaced.conf'],
  listed: ['%config /etc/app/replaced.conf', '%ghost /etc/app/ghost'],
  sections: [
    log('%pre', `pre ${version}`),
    log('%post', `post ${version}`),
    log('%preun', `preun ${version}`),
    log('%postun', `postun ${version}`),
  ],
  ...more,
});

const BEFORE: readonly RpmSpec[] = [
  shell,
  app('1', {
    tags: ['Requires: libfoo.so.1'],
    files: { '/usr/bin/app': 'one', '/usr/bin/app-old': 'x', '/usr/share/app/one/deep': 'x' },
  }),
  { name: 'libfoo', evr: '1-1', tags: ['Provides: libfoo.so.1'], files: { '/usr/lib/libfoo.so.1': 'one' } },
  {
    name: 'watcher',
    evr: '1-1',
    files: { '/usr/share/watcher': 'x' },
    sections: [log('%triggerin -- app', 'trigger'), '%transfiletriggerin -- /usr/share/app\ncat >> /etc/triggered'],
  },
  { name: 'old', evr: '1-1', files: { '/usr/share/old': 'x' }, sections: [log('%preun', 'old leaves')] },
  { name: 'tied', evr: '1-1', tags: ['Requires: libfoo = 1-1'], files: { '/usr/share/tied': 'one' } },
  { name: 'other', evr: '1-1', files: { '/usr/share/other': 'one' } },
];
const AFTER: readonly RpmSpec[] = [
  shell,
  app('2', {
    tags: ['Requires: libfoo.so.2', 'Requires: extra >= 1'],
    files: { '/usr/bin/app': 'two', '/usr/share/app/two': 'x' },
  }),
  { name: 'libfoo', evr: '2-1', tags: ['Provides: libfoo.so.2'], files: { '/usr/lib/libfoo.so.2': 'two' } },
  { name: 'extra', evr: '1-1', tags: ['Requires: /usr/share/deep'], files: { '/usr/share/extra': 'x' } },
  { name: 'deep', evr: '1-1', tags: ['Provides: /usr/share/deep'] },
  { name: 'new', evr: '2-1', tags: ['Obsoletes: old < 2', 'Provides: old = 2'], files: { '/usr/share/new': 'x' } },
  { name: 'tied', evr: '2-1', tags: ['Requires: libfoo = 2-1'], files: { '/usr/share/tied': 'two' } },
  { name: 'other', evr: '2-1', files: { '/usr/share/other': 'two' } },
];

let world: RpmWorld;
let repository: string;

before(async () => {
  if (skip !== undefined) return;
  world = await RpmWorld.create();
  const [old, packages] = [await world.build(BEFORE, 'old'), await world.build(AFTER, 'new')];
  repository = await world.repository('mirror/9/BaseOS/x86_64/os', packages);
  await world.announce(repository, [
    {
      ...{ id: 'RLSA-1', type: 'security', severity: 'Important', issued: '2026-01-10 10:00:00', cves: ['CVE-2026-1'] },
      packages: [{ name: 'app', evr: '2-1' }],
    },
  ]);
  for (const empty of ['AppStream', 'extras']) await world.repository(`mirror/9/${empty}/x86_64/os`, []);
  await world.rpm('root', '-i', ...old);
  await rm(join(at('root'), RPM_DATABASE, '.rpm.lock'));
  await world.write('root', 'etc/os-release', 'ID="rocky"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n');
  for (const name of ['edited', 'replaced']) await world.write('root', `etc/app/${name}.conf`, 'mine');
});
after(() => world?.remove());

const COPY = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true } as const;
const at = (name: string): string => join(world.folder, name);
let workshops = 0;
const workshop = () =>
  openWorkshop({
    home: homeAt(at(`home${workshops++}`)),
    log: silentLog,
    progress: silentProgress,
    mirror: `file://${at('mirror')}`,
    distributions: { 'rocky/9': { trusted: true } },
  });

async function patched(image: ResolvedImage, filter: PatchFilter = {}) {
  const shop = workshop();
  const outcome = await patchImage(image, filter, shop);
  assert.ok(outcome.kind === 'patched', outcome.kind);
  const result = resolvedFrom(outcome.image, storeOver(await shop.store(), image.blobs));
  return { built: outcome.image, image: result };
}

async function imageOf(
  root: string,
  config: Partial<ImageConfig> = CONFIG,
): Promise<ResolvedImage & { close(): Promise<void> }> {
  const tar = at(`${root}.tar`);
  await run('tar', ['-cf', tar, '-C', at(root), '.']);
  return openImage(parseReference(await layoutOf(at(`${root}.oci`), [tar], config)));
}

/** This machine's rpm as if it were the image's own. */
async function addRpm(root: string): Promise<void> {
  const copy = async (path: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await copyFile(path, join(root, path));
  };
  for (const [path] of (await run('ldd', ['/usr/bin/rpm'])).matchAll(/\/\S+/g)) await copy(path);
  await copy('/usr/bin/rpm');
  await cp('/usr/lib/rpm', join(root, 'usr/lib/rpm'), { recursive: true, dereference: true, preserveTimestamps: true });
}

const FORMAT = '%{NAME}-%{EVR}.%{ARCH}\\n[  %{FILENAMES} %{FILEMODES} %{FILEDIGESTS} %{FILESTATES}\\n]';
const installed = async (root: string): Promise<readonly string[]> =>
  (await world.rpm(root, '-qa', '--qf', FORMAT)).split('\n').sort();

/** Files of a root; the database and what dnf keeps of its own runs are compared otherwise. */
const facts = (root: string) =>
  new Map(
    [...factsOfRoot(at(root))].filter(
      ([path]) => !/^(?:usr\/lib\/sysimage|var\/lib\/dnf|var\/cache|var$|var\/lib$|etc\/dnf)/.test(path),
    ),
  );

for (const own of [true, false]) {
  test(`${own ? 'the image’s own rpm' : 'this machine’s rpm, the image has none'}: the same as dnf upgrade makes`, {
    skip,
  }, async () => {
    const name = own ? 'own' : 'without';
    await cp(at('root'), at(name), COPY);
    if (own) await addRpm(at(name));
    await cp(at(name), at(`${name}-dnf`), COPY);
    const image = await imageOf(name);
    const [result] = await Promise.all([
      patched(image),
      world.dnf(`${name}-dnf`, { mirror: repository }, '--nogpgcheck', '--setopt=install_weak_deps=0', '-y', 'upgrade'),
    ]);
    const records = await readLayers(result.image);
    await unpackImage(
      result.image,
      at(`${name}-ours`),
      records.map(({ index }) => index),
    );
    // rpm keeps its journal: an empty one, as what it had noted for the original's database is in ours by now.
    assert.equal((await stat(join(at(`${name}-ours`), RPM_DATABASE, 'rpmdb.sqlite-wal'))).size, 0);
    assert.deepEqual(differences(facts(`${name}-ours`), facts(`${name}-dnf`)), []);
    assert.deepEqual(await installed(`${name}-ours`), await installed(`${name}-dnf`));
    assert.match(await readFile(join(at(`${name}-ours`), 'etc/history'), 'utf8'), /post 2 2\n/);
    assert.equal(await readFile(join(at(`${name}-ours`), 'etc/app/edited.conf'), 'utf8'), 'mine');

    const changes = result.built.changes
      .map(({ package: one, from, to }) => `${one} ${from ?? '-'} ${to ?? '-'}`)
      .sort();
    assert.deepEqual(changes, [
      'app 1-1 2-1',
      'deep - 1-1',
      'extra - 1-1',
      'libfoo 1-1 2-1',
      'new - 2-1',
      'old 1-1 -',
      'other 1-1 2-1',
      'tied 1-1 2-1',
    ]);
    const { manifest, config } = result.image;
    assert.deepEqual(config.config, CONFIG.config);
    assert.equal(manifest.annotations?.[PATCH_ANNOTATION.source], image.digest);
    assert.equal(manifest.annotations?.[PATCH_ANNOTATION.advisories], 'CVE-2026-1');
    await image.close();
  });
}

test('filters: the security update, and what must move with it', { skip }, async () => {
  const image = await imageOf('root');
  const { built, image: result } = await patched(image, { onlySecurity: true });
  assert.deepEqual(built.changes.map(({ package: name }) => name).sort(), ['app', 'deep', 'extra', 'libfoo', 'tied']);
  const contents = await inspectImage(result);
  const check = await findOutdated(contents, (await workshop().shelf('rocky/9', 'x86_64')).snapshots);
  assert.ok(check.kind === 'checked');
  assert.deepEqual(
    check.findings.map((finding) => finding.package),
    ['other'],
  );
  const important = await patched(image, { severity: 'important' });
  assert.deepEqual(
    important.built.changes.map(({ package: name }) => name).sort(),
    built.changes.map(({ package: name }) => name).sort(),
  );
  const none = await patchImage(image, { maxSeverity: 'other', packages: ['app'] }, workshop());
  assert.equal(none.kind, 'unchanged');
  const rest = await patched(result, { packages: ['other'], maxSeverity: 'other' });
  assert.equal(rest.image.manifest.layers.length, 2);
  assert.equal(rest.image.manifest.annotations?.[PATCH_ANNOTATION.source], image.digest);
  assert.ok(
    rest.built.changes.some(({ package: name }) => name === 'app'),
    'an update was taken back',
  );
  await image.close();
});

test('what rpm cannot do is refused with its reason, and nothing is written', { skip }, async () => {
  await cp(at('root'), at('lost'), COPY);
  await rm(join(at('lost'), 'bin'), { recursive: true });
  const lost = await imageOf('lost');
  const refusal = (code: string) => (error: unknown) => isHeraklitError(error, code) || assert.fail(String(error));
  const shop = workshop();
  await assert.rejects(patchImage(lost, {}, shop), refusal('PATCH_SCRIPTS_NEEDED'));
  assert.deepEqual(await readdir(shop.options.home.scratch), []);
  await lost.close();
  await cp(at('root'), at('broken'), COPY);
  await addRpm(at('broken'));
  await writeFile(join(at('broken'), 'usr/bin/rpm'), '#!/bin/sh\necho "error: no such luck" >&2; exit 3\n');
  const broken = await imageOf('broken');
  await assert.rejects(patchImage(broken, {}, workshop()), (error) => {
    assert.ok(isHeraklitError(error, 'PATCH_FAILED'));
    assert.match(error.message, /no such luck/);
    return true;
  });
  await broken.close();
  // Neither an rpm of its own, nor one of this machine that could run in it.
  const foreign = await imageOf('root', { architecture: 'riscv64' });
  await assert.rejects(patchImage(foreign, {}, workshop()), refusal('PATCH_NO_TOOL'));
  await foreign.close();
});
