import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { apkSigner, type BuiltApk, buildApk, buildApkIndex } from '../../src/distro/testing/apk-packages.ts';
import { buildArch } from '../../src/distro/testing/arch-packages.ts';
import { memoryImage } from '../../src/inventory/testing/memory-image.ts';
import { parseReference } from '../../src/oci/index.ts';
import { saveImage } from '../../src/transport/index.ts';
import { apkTool } from '../support/apk-tool.ts';
import { pacmanWorld } from '../support/pacman-root.ts';

const BIN = resolve(import.meta.dirname, '../../bin/heraklit.js');
const ALPINE = 'ID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME="Alpine Linux v3.22"\n';
const ARCH = 'ID=arch\nBUILD_ID=rolling\nVERSION_ID=20260101.0.1\nPRETTY_NAME="Arch Linux"\n';
const INSTALLED = 'lib/apk/db/installed';

const signer = apkSigner();
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apk-pacman-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const write = async (path: string, content: string | Buffer): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
};

function heraklit(...args: readonly string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args, '--home', join(folder, 'home')], {
    encoding: 'utf8',
    env: { ...process.env, HERAKLIT_DATABASE: '' },
  });
  return { code: status, stdout, stderr };
}

interface Finding {
  readonly package: string;
  readonly installed: string;
  readonly candidate: string;
  readonly since: string;
}

function outdated(reference: string, ...more: readonly string[]): readonly Finding[] {
  const { code, stdout, stderr } = heraklit('outdated', reference, '--format', 'json', ...more);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).images[0].findings;
}

const record = ({ name, version, origin = name }: { name: string; version: string; origin?: string }): string =>
  `C:Q1abc=\nP:${name}\nV:${version}\nA:x86_64\nI:4096\nT:${name}\nU:https://example.org\nL:MIT\no:${origin}\nF:usr/lib\nR:${name}.so\n\n`;

/** A mirror of Alpine 3.22 on disk. @returns its URL */
async function alpineMirror(name: string, main: readonly BuiltApk[], community: readonly BuiltApk[]): Promise<string> {
  const mirror = join(folder, name, 'alpine');
  for (const [component, packages] of Object.entries({ main, community })) {
    const place = join(mirror, 'v3.22', component, 'x86_64');
    await write(join(place, 'APKINDEX.tar.gz'), buildApkIndex(packages, signer));
    for (const { fileName, bytes } of packages) await write(join(place, fileName), bytes);
  }
  return pathToFileURL(mirror).href;
}

test('an Alpine image of layers: scan, outdated, where, diff, sbom', async () => {
  const old = [
    { name: 'libssl3', version: '3.5.0-r0', origin: 'openssl' },
    { name: 'musl', version: '1.2.5-r9' },
  ];
  const base = { 'etc/os-release': ALPINE, [INSTALLED]: old.map(record).join('') };
  const top = { [INSTALLED]: [...old, { name: 'nginx', version: '1.28.0_rc1-r1' }].map(record).join('') };
  const [one, two] = ['base', 'web'].map((tag) => `oci:${join(folder, 'layout')}:${tag}`) as [string, string];
  await saveImage(memoryImage([base]), parseReference(one));
  await saveImage(memoryImage([base, top]), parseReference(two));

  const scan = JSON.parse(heraklit('scan', two, '--format', 'json').stdout);
  assert.equal(scan.distribution.name, 'alpine/3.22');
  assert.deepEqual(
    scan.packages.map((item: { name: string; version: string }) => `${item.name} ${item.version}`),
    ['libssl3 3.5.0-r0', 'musl 1.2.5-r9', 'nginx 1.28.0_rc1-r1'],
  );
  assert.match(heraklit('diff', one, two).stdout, /\+ nginx:x86_64 1\.28\.0_rc1-r1/);

  const mirror = await alpineMirror(
    'one',
    [
      buildApk({ name: 'libssl3', version: '3.5.1-r0', origin: 'openssl', buildTime: 1_720_000_000 }, signer),
      buildApk({ name: 'libssl3', version: '3.5.0-r7', origin: 'openssl' }, signer),
      buildApk({ name: 'musl', version: '1.2.5-r9' }, signer),
    ],
    // A final release is newer than its candidate, and a package may have moved to another component.
    [buildApk({ name: 'nginx', version: '1.28.0-r0' }, signer)],
  );
  const key = join(folder, signer.name);
  await write(key, signer.content);
  const findings = outdated(two, '--mirror', mirror, '--keyring', key);
  assert.deepEqual(
    findings.map((item) => `${item.package} ${item.installed} ${item.candidate} ${item.since.slice(0, 10)}`).sort(),
    ['libssl3 3.5.0-r0 3.5.1-r0 2024-07-03', 'nginx 1.28.0_rc1-r1 1.28.0-r0 2023-11-14'],
  );
  // The keys that ship are Alpine's own: another's mirror is refused.
  const refused = heraklit('outdated', two, '--mirror', mirror);
  assert.deepEqual([refused.code, /DISTRO_INDEX_UNSIGNED/.test(refused.stderr)], [3, true]);

  assert.equal(heraklit('scan', two, '--record').code, 0);
  const where = JSON.parse(heraklit('where', 'nginx', '--version', '<< 1.28.0', '--format', 'json').stdout);
  assert.match(JSON.stringify(where), /1\.28\.0_rc1-r1/);
  const sbom = heraklit('sbom', two).stdout;
  assert.match(sbom, /pkg:apk\/alpine\/libssl3@3\.5\.0-r0\?arch=x86_64&distro=alpine-3\.22\.1/);
});

test('Alpine’s secdb says what an update fixes: by source package, in apk’s order', async () => {
  const reference = `oci:${join(folder, 'layout')}:secdb`;
  const old = [
    { name: 'libssl3', version: '3.5.0-r0', origin: 'openssl' },
    { name: 'libcrypto3', version: '3.5.0-r0', origin: 'openssl' },
    { name: 'musl', version: '1.2.5-r8' },
  ];
  await saveImage(
    memoryImage([{ 'etc/os-release': ALPINE, [INSTALLED]: old.map(record).join('') }]),
    parseReference(reference),
  );
  const build = (name: string, version: string, origin = name) => buildApk({ name, version, origin }, signer);
  const mirror = await alpineMirror(
    'secdb',
    [build('libssl3', '3.5.1-r0', 'openssl'), build('libcrypto3', '3.5.1-r0', 'openssl'), build('musl', '1.2.5-r9')],
    [],
  );
  const key = join(folder, signer.name);
  await write(key, signer.content);
  const document = {
    distroversion: 'v3.22',
    reponame: 'main',
    urlprefix: 'https://dl.example/alpine',
    apkurl: '{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk',
    packages: [
      {
        pkg: {
          name: 'openssl',
          secfixes: {
            '3.5.1-r0': ['CVE-2026-1111'],
            // Before the installed version, and after the candidate: neither is what this update brings.
            '3.5.0_rc1-r0': ['CVE-2026-2222'],
            '3.6.0-r0': ['CVE-2026-3333'],
          },
        },
      },
    ],
  };
  const file = join(folder, 'secdb-main.json');
  await write(file, JSON.stringify(document));
  const imported = heraklit('feed', 'import', file);
  assert.equal(imported.code, 0, imported.stderr);
  const { code, stdout, stderr } = heraklit(
    'outdated',
    reference,
    '--format',
    'json',
    '--mirror',
    mirror,
    '--keyring',
    key,
  );
  assert.equal(code, 0, stderr);
  const findings: readonly (Finding & { security: boolean; advisories: readonly string[] })[] =
    JSON.parse(stdout).images[0].findings;
  assert.deepEqual(findings.map((item) => [item.package, item.security, item.advisories.join()]).sort(), [
    ['libcrypto3', true, 'CVE-2026-1111'],
    ['libssl3', true, 'CVE-2026-1111'],
    ['musl', false, ''],
  ]);
  // And what it says, a patch goes by.
  const patch = ['patch', reference, '-o', `oci:${join(folder, 'secure')}:1`, '--only-security', '--format', 'json'];
  const patched = heraklit(...patch, '--mirror', mirror, '--keyring', key);
  assert.equal(patched.code, 0, patched.stderr);
  const { changes, advisories } = JSON.parse(patched.stdout);
  assert.deepEqual(changes.map((change: { package: string }) => change.package).sort(), ['libcrypto3', 'libssl3']);
  assert.deepEqual(advisories, ['CVE-2026-1111']);
});

test('an Alpine image without shell and apk is patched from the command line; a pacman one is refused', async () => {
  const reference = `oci:${join(folder, 'layout')}:unpatched`;
  const files = { 'etc/os-release': ALPINE, [INSTALLED]: record({ name: 'musl', version: '1.2.4-r0' }) };
  await saveImage(memoryImage([files]), parseReference(reference));
  const mirror = await alpineMirror('two', [buildApk({ name: 'musl', version: '1.2.5-r9' }, signer)], []);
  const key = join(folder, signer.name);
  await write(key, signer.content);
  const to = `oci:${join(folder, 'layout')}:patched`;
  const { code, stderr, stdout } = heraklit('patch', reference, '-o', to, '--mirror', mirror, '--keyring', key);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /musl {2}1\.2\.4-r0 → 1\.2\.5-r9/);
  assert.deepEqual(outdated(to, '--mirror', mirror, '--keyring', key), []);

  const pacman = `oci:${join(folder, 'layout')}:pacman`;
  const desc = '%NAME%\nglibc\n\n%VERSION%\n2.40-1\n\n%ARCH%\nx86_64\n\n';
  await saveImage(
    memoryImage([{ 'usr/lib/os-release': ARCH, 'var/lib/pacman/local/glibc-2.40-1/desc': desc }]),
    parseReference(pacman),
  );
  const { buildArchDatabase } = await import('../../src/distro/testing/arch-packages.ts');
  for (const name of ['core', 'extra']) {
    const packages = name === 'core' ? [buildArch({ name: 'glibc', version: '2.41-1', files: {} })] : [];
    await write(join(folder, 'arch', name, 'os/x86_64', `${name}.db`), await buildArchDatabase(packages));
  }
  const refused = heraklit('patch', pacman, '-o', to, '--mirror', pathToFileURL(join(folder, 'arch')).href);
  assert.deepEqual([refused.code, /IMAGE_UNSUPPORTED/.test(refused.stderr)], [3, true], refused.stderr);
});

test('outdated of a pacman root is what pacman -Qu says', async (context) => {
  const world = await pacmanWorld();
  if (world === undefined) return context.skip('pacman-package-manager, makepkg or libarchive-tools not installed');
  context.after(() => world.remove());
  const packages = (versions: Readonly<Record<string, string>>) =>
    Object.entries(versions).map(([name, version]) =>
      buildArch({ name, version, files: { [`usr/lib/${name}`]: version } }),
    );
  await world.offer(
    packages({ glibc: '2.41-1', tzdata: '2025a-1', same: '1-1', epoch: '9-1', late: '2.0-1', rc: '1.0rc1-1' }),
  );
  world.pacman('-Sy', 'glibc', 'tzdata', 'same', 'epoch', 'late', 'rc');
  await world.offer(
    packages({ glibc: '2.41-2', tzdata: '2025b-1', same: '1-1', epoch: '1:1-1', late: '1.9-1', rc: '1.0-1' }),
  );
  // Twice: a database of the same second would count as unchanged.
  world.pacman('-Syy');
  const expected = world
    .pacman('-Qu')
    .trim()
    .split('\n')
    .map((line) => line.replace(/ -> | \[ignored\]/g, ' ').trim())
    .sort();
  assert.equal(expected.length, 4);
  await write(join(world.root, 'etc/os-release'), ARCH);
  // A mirror has extra as well, here empty.
  await write(join(world.repository, '../../../extra/os/x86_64/extra.db'), await emptyDatabase());
  const mirror = pathToFileURL(resolve(world.repository, '../../..')).href;
  const findings = outdated(`dir:${world.root}`, '--mirror', mirror);
  assert.deepEqual(findings.map((item) => `${item.package} ${item.installed} ${item.candidate}`).sort(), expected);
  const sbom = heraklit('sbom', `dir:${world.root}`).stdout;
  assert.match(sbom, /pkg:alpm\/arch\/glibc@2\.41-1\?arch=x86_64/);
});

async function emptyDatabase(): Promise<Buffer> {
  const { buildArchDatabase } = await import('../../src/distro/testing/arch-packages.ts');
  return buildArchDatabase([]);
}

test('a pacman image whose layers replace and remove packages', async () => {
  const desc = (name: string, version: string): string =>
    `%NAME%\n${name}\n\n%VERSION%\n${version}\n\n%ARCH%\nx86_64\n\n`;
  const local = 'var/lib/pacman/local';
  const base = {
    'usr/lib/os-release': ARCH,
    [`${local}/glibc-2.41-1/desc`]: desc('glibc', '2.41-1'),
    [`${local}/nano-8.0-1/desc`]: desc('nano', '8.0-1'),
  };
  const top = {
    [`${local}/.wh.glibc-2.41-1`]: '',
    [`${local}/glibc-2.42-1/desc`]: desc('glibc', '2.42-1'),
    [`${local}/.wh.nano-8.0-1`]: '',
  };
  const reference = `oci:${join(folder, 'layout')}:arch`;
  await saveImage(memoryImage([base, top]), parseReference(reference));
  const scan = JSON.parse(heraklit('scan', reference, '--format', 'json').stdout);
  assert.equal(scan.distribution.name, 'arch/rolling');
  assert.deepEqual(
    scan.packages.map((item: { name: string; version: string }) => `${item.name} ${item.version}`),
    ['glibc 2.42-1'],
  );
});

// No Debian suite has apk: where somebody brings one, its word counts.
if (apkTool !== undefined) {
  const tool = apkTool;
  test('outdated of an apk root is what apk version says', async () => {
    const root = join(folder, 'apk-root');
    const keys = join(root, 'etc/apk/keys');
    await write(join(keys, signer.name), signer.content);
    await write(join(root, 'etc/os-release'), ALPINE);
    const build = (versions: Readonly<Record<string, string>>) =>
      Object.entries(versions).map(([name, version]) =>
        buildApk({ name, version, files: { [`usr/lib/${name}`]: version } }, signer),
      );
    const before = {
      musl: '1.2.5-r0',
      busybox: '1.37.0-r9',
      same: '1-r0',
      late: '2.0-r0',
      rc: '1.0_rc1-r0',
      git: '1.0-r0',
    };
    const later = {
      musl: '1.2.5-r10',
      busybox: '1.37.1-r0',
      same: '1-r0',
      late: '1.9-r0',
      rc: '1.0-r0',
      git: '1.0_git20250101-r0',
    };
    const run = (...args: readonly string[]): string => {
      const { status, stdout, stderr } = spawnSync(tool, ['--root', root, '--arch', 'x86_64', ...args], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, `${args.join(' ')}: ${stderr}${stdout}`);
      return stdout;
    };
    let mirror = await alpineMirror('three', build(before), []);
    await write(
      join(root, 'etc/apk/repositories'),
      ['main', 'community'].map((name) => `${join(folder, 'three/alpine/v3.22', name)}\n`).join(''),
    );
    run('add', '--initdb', '--no-scripts', ...Object.keys(before));
    mirror = await alpineMirror('three', build(later), build({ same: '1-r1' }));
    run('update');
    const expected = run('version', '-l', '<')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => /^(\S+)-([^-\s]+-r\d+)\s+<\s+(\S+)/.exec(line)?.slice(1).join(' '))
      .sort();
    assert.equal(expected.length, 5);
    const findings = outdated(`dir:${root}`, '--mirror', mirror, '--keyring', join(keys, signer.name));
    assert.deepEqual(findings.map((item) => `${item.package} ${item.installed} ${item.candidate}`).sort(), expected);
    const upgraded = run('upgrade', '--simulate').matchAll(/Upgrading (\S+) \((\S+) -> (\S+)\)/g);
    assert.deepEqual([...upgraded].map(([, ...words]) => words.join(' ')).sort(), expected);
    assert.ok((await readFile(join(root, INSTALLED), 'utf8')).includes('P:musl'));
  });
}
