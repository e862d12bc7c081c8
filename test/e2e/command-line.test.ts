/** How the command line behaves as a program among programs: help, wrong use, pipes, signals, neighbours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { assertRefused, type Cli, checkBlobs, filesBelow, openCli } from '../support/cli.ts';
import { buildMirror, createSigner, serveMirror, type TestPackage, writeMirror } from '../support/debian-mirror.ts';
import { rawLayer, saveRawImage } from '../support/hostile-image.ts';

const signer = await createSigner();

function pkg(name: string, bytes: number): TestPackage {
  const control = {
    Package: name,
    Version: '1',
    Architecture: 'amd64',
    Maintainer: 'T <t@example.org>',
    Description: name,
  };
  return { control, files: { [`usr/share/${name}/data`]: randomBytes(bytes) } };
}

const mirror = await buildMirror(
  ['trixie', 'trixie-updates', 'trixie-security'].map((suite) => ({
    suite,
    packages: suite === 'trixie' ? [pkg('one', 300_000), pkg('two', 400_000), pkg('three', 500_000)] : [],
  })),
  signer.sign,
  Date.now(),
);

const RECIPE =
  'apiVersion: heraklit/v1\nkind: Image\nname: image\ndistribution: debian/trixie\nscripts: none\npackages: [one, two, three]\n';

async function prepare(cli: Cli): Promise<string> {
  await writeFile(join(cli.root, 'key.asc'), signer.armored);
  await writeFile(join(cli.root, 'image.yaml'), RECIPE);
  await writeMirror(mirror, join(cli.root, 'mirror'));
  return `file://${cli.root}/mirror/debian`;
}

const build = (from: string, output = 'oci:out:image'): readonly string[] => [
  ...['build', 'image.yaml', '-o', output, '--mirror', from, '--keyring', 'key.asc'],
];

test('every command has help, on stdout', async (context) => {
  const cli = await openCli(context);
  const all = await cli.run(['--help']);
  assert.deepEqual([all.code, all.stderr], [0, '']);
  for (const { name, summary } of COMMANDS) {
    assert.match(all.stdout, new RegExp(`^ {2}${name}\\b`, 'm'));
    const help = await cli.run([name, '--help']);
    assert.deepEqual([help.code, help.stderr], [0, ''], name);
    assert.ok(help.stdout.startsWith(`Usage: heraklit ${name}`) && help.stdout.includes(summary), help.stdout);
  }
  assert.match((await cli.run(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  assert.equal((await cli.run([])).code, 2);
});

test('wrong use of the command line ends with 2 and says where to look', async (context) => {
  const cli = await openCli(context);
  const wrong = { code: 'CLI_USAGE', exit: 2 };
  assertRefused(await cli.run(['bild']), { ...wrong, says: ["'bild'", 'Did you mean build?'] });
  assertRefused(await cli.run(['scan', '--wat', 'x']), { ...wrong, says: ["'--wat'", 'heraklit scan --help'] });
  assertRefused(await cli.run(['scan']), { ...wrong, says: ["'ref'"] });
  assertRefused(await cli.run(['build', 'x.yaml']), { ...wrong, says: ['--output'] });
  for (const command of ['scan x', 'build x -o y', 'patch x -o y', 'rebase x --onto y -o z', 'where x', 'demo']) {
    const ended = await cli.run([...command.split(' '), '--format', 'xml']);
    assertRefused(ended, { ...wrong, says: ['Allowed choices are table, json'] });
  }
  assertRefused(await cli.run(['outdated']), { ...wrong, says: ['--all'] });
  assertRefused(await cli.run(['where', 'x', '--limit', '-1']), wrong);
  assertRefused(await cli.run(['verify', 'oci:x', '--timeout', 'soon']), wrong);
  assertRefused(await cli.run(['scan', 'oci:']), { code: 'OCI_REFERENCE_INVALID', exit: 2 });
  const fleet = 'apiVersion: heraklit/v1\nkind: Fleet\nimages: [{name: app, kiwi: app}]\n';
  await writeFile(join(cli.root, 'heraklit.yaml'), fleet);
  assertRefused(await cli.run(['plan']), {
    code: 'DOCKERFILE_UNREADABLE',
    exit: 2,
    says: ['app'],
  });
  assert.deepEqual(await filesBelow(join(cli.root, 'y')), []);
});

test('a reader that closes the pipe early is no error', async (context) => {
  const cli = await openCli(context);
  const entries = Array.from({ length: 20_000 }, (_, at) => ({ name: `usr/share/a-rather-long-name-of-a-file-${at}` }));
  await saveRawImage(join(cli.root, 'images'), 'many', [rawLayer(entries)]);
  await saveRawImage(join(cli.root, 'images'), 'none', [rawLayer([])]);
  const command = ['diff', 'oci:images:none', 'oci:images:many', '--format', 'json', '--limit', '20000'];
  const whole = await cli.run(command);
  assert.ok(whole.stdout.length > 500_000, `${whole.stdout.length} bytes do not fit into a pipe`);
  const ended = await cli.run(command, { closeEarly: true });
  assert.deepEqual([ended.code, ended.stderr], [0, '']);
});

async function interrupt(context: TestContext, signal: NodeJS.Signals, when: RegExp): Promise<void> {
  const cli = await openCli(context);
  const good = await prepare(cli);
  const server = await serveMirror(mirror);
  context.after(() => server.close());
  let stop: (() => void) | undefined;
  // The mirror never answers what matches: the command is in the middle of it when the signal comes.
  server.intercept = (path, _, response) => {
    if (!when.test(path)) return false;
    response.writeHead(200, { 'content-length': 1_000_000 }).write('half');
    // Once: a second signal ends a program that does not heed the first.
    if (stop !== undefined) setTimeout(stop, 100);
    stop = undefined;
    return true;
  };
  const ended = await cli.run(build(server.url), { started: (child) => (stop = () => child.kill(signal)) });
  assertRefused(ended, { code: 'CLI_INTERRUPTED', exit: signal === 'SIGINT' ? 130 : 143, says: [signal] });
  assert.deepEqual(await filesBelow(join(cli.root, 'out')), []);
  assert.ok(!(await filesBelow(cli.root)).includes('image.yaml.lock'));
  await cli.checkHome();
  const after = await cli.run(build(good));
  assert.equal(after.code, 0, after.stderr);
  await checkBlobs(join(cli.root, 'out'));
}

test('SIGINT while an index is fetched', (context) => interrupt(context, 'SIGINT', /InRelease$/));
test('SIGINT while packages are fetched', (context) => interrupt(context, 'SIGINT', /\/two_.*\.deb$/));
test('SIGTERM while packages are fetched', (context) => interrupt(context, 'SIGTERM', /\/two_.*\.deb$/));

test('several commands at once on one home end as one after the other', async (context) => {
  const cli = await openCli(context);
  const good = await prepare(cli);
  const alone = await openCli(context);
  await prepare(alone);
  const expected = await alone.run([...build(good), '--format', 'json']);
  assert.equal(expected.code, 0, expected.stderr);
  const outputs = ['oci:out:image', 'oci:out:image', 'oci:other:image', 'oci-archive:image.tar'];
  const ended = await Promise.all(outputs.map((output) => cli.run([...build(good, output), '--format', 'json'])));
  for (const one of ended) {
    assert.equal(one.code, 0, one.stderr);
    assert.equal(JSON.parse(one.stdout).digest, JSON.parse(expected.stdout).digest);
  }
  await cli.checkHome();
  for (const layout of ['out', 'other']) await checkBlobs(join(cli.root, layout));
});

/** A file system of so many KiB; undefined where none can be mounted. */
async function tinyDisk(context: TestContext, kibibytes: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'heraklit-test', folder]);
  context.after(async () => {
    if (mounted.status === 0) spawnSync('umount', [folder]);
    await rmdir(folder);
  });
  if (mounted.status === 0) return folder;
  context.skip('cannot mount a small file system');
  return undefined;
}

for (const kibibytes of [8, 64, 600, 1_500, 2_300]) {
  test(`a disk that is full after ${kibibytes} KiB`, async (context) => {
    const disk = await tinyDisk(context, kibibytes);
    if (disk === undefined) return;
    const cli = await openCli(context, disk);
    const good = await prepare(cli);
    assertRefused(await cli.run(build(good)), { code: 'DISK_FULL', says: ['HERAKLIT_HOME'] });
    assert.deepEqual(await filesBelow(join(cli.root, 'out')), []);
    await cli.checkHome();
    assert.equal(spawnSync('mount', ['-o', 'remount,size=64m', disk]).status, 0);
    const after = await cli.run(build(good));
    assert.equal(after.code, 0, after.stderr);
    await cli.checkHome();
  });
}

test('an output folder on a disk that is full', async (context) => {
  const disk = await tinyDisk(context, 600);
  if (disk === undefined) return;
  const cli = await openCli(context);
  const good = await prepare(cli);
  for (const form of ['oci:DISK/layout:image', 'oci-archive:DISK/image.tar', 'docker-archive:DISK/image.tar']) {
    assertRefused(await cli.run(build(good, form.replace('DISK', disk))), { code: 'DISK_FULL' });
    await checkBlobs(join(disk, 'layout'));
    const left = (await filesBelow(disk)).filter((path) => !path.startsWith('layout/blobs/'));
    assert.ok(
      left.every((path) => /^layout\/(?:oci-layout|index\.json)$/.test(path)),
      left.join(),
    );
    await rm(join(disk, 'layout'), { recursive: true, force: true });
  }
  await cli.checkHome();
});
