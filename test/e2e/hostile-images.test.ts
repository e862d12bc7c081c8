/** Images made to do harm, through the real command line: nothing leaves its place, nothing half-written stays. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { OS_RELEASE, stanza, status } from '../../src/inventory/testing/debian-root.ts';
import { digestHex } from '../../src/oci/index.ts';
import { assertRefused, type Cli, checkBlobs, type Ended, filesBelow, openCli } from '../support/cli.ts';
import { buildMirror, createSigner, type Paths, writeMirror } from '../support/debian-mirror.ts';
import { bombLayer, type RawEntry, type RawLayer, rawLayer, saveRawImage } from '../support/hostile-image.ts';

const signer = await createSigner();
const POSTINST = { postinst: '#!/bin/sh\n' };
const mirror: Paths = await buildMirror(
  ['trixie', 'trixie-updates', 'trixie-security'].map((suite) => ({
    suite,
    packages:
      suite !== 'trixie' ? [] : [newer('hello'), newer('libgreet'), { ...newer('scripted'), scripts: POSTINST }],
  })),
  signer.sign,
  Date.now(),
);

function newer(name: string) {
  const control = {
    Package: name,
    Version: '1.0-1',
    Architecture: 'amd64',
    Maintainer: 'T <t@example.org>',
    Description: name,
  };
  return { control, files: { [`usr/share/${name}/data`]: `new ${name}` } };
}

const root = (version: string, more: readonly RawEntry[] = []): RawLayer =>
  rawLayer([
    { name: 'usr/lib/os-release', content: OS_RELEASE },
    { name: 'var/lib/dpkg/status', content: status(stanza('hello', version), stanza('libgreet', version)) },
    ...more,
  ]);
const OLD = root('0.9-1');
const NEW = root('1.0-1');

interface Bench extends Cli {
  /** Saves an image over the old base and runs every command that reads it. */
  runAll(name: string, layers: readonly RawLayer[]): Promise<Readonly<Record<string, Ended>>>;
  run1(...args: readonly string[]): Promise<Ended>;
}

const SOURCES = ['--mirror', 'file://MIRROR/debian', '--keyring', 'key.asc'];

async function openBench(context: TestContext): Promise<Bench> {
  const cli = await openCli(context);
  await writeMirror(mirror, join(cli.root, 'mirror'));
  await writeFile(join(cli.root, 'key.asc'), signer.armored);
  const images = join(cli.root, 'images');
  await saveRawImage(images, 'old', [OLD]);
  await saveRawImage(images, 'new', [NEW]);
  const sources = SOURCES.map((word) => word.replace('MIRROR', join(cli.root, 'mirror')));
  return {
    ...cli,
    run1: (...args) => cli.run([...args, ...(args[0] === 'patch' ? sources : [])]),
    runAll: async (name, layers) => {
      await saveRawImage(images, name, layers);
      const image = `oci:images:${name}`;
      return {
        scan: await cli.run(['scan', image]),
        layers: await cli.run(['layers', image]),
        sbom: await cli.run(['sbom', image, '-o', 'out.json']),
        diff: await cli.run(['diff', 'oci:images:old', image]),
        verify: await cli.run(['verify', image, '--no-start']),
        patch: await cli.run(['patch', image, '-o', `oci:out:${name}`, ...sources]),
        rebase: await cli.run([
          'rebase',
          image,
          '--from',
          'oci:images:old',
          '--onto',
          'oci:images:new',
          '-o',
          `oci:out:${name}`,
        ]),
        onto: await cli.run([
          'rebase',
          'oci:images:old',
          '--from',
          'oci:images:old',
          '--onto',
          image,
          '-o',
          'oci-archive:out.tar',
        ]),
      };
    },
  };
}

async function assertNothingLeft(bench: Bench): Promise<void> {
  for (const name of ['out', 'out.tar', 'out.json', 'escaped']) assert.ok(!existsSync(join(bench.root, name)), name);
  await bench.checkHome();
  const good = await bench.run([
    'rebase',
    'oci:images:old',
    '--from',
    'oci:images:old',
    '--onto',
    'oci:images:new',
    '-o',
    'oci:good:1',
  ]);
  assert.equal(good.code, 0, good.stderr);
  await checkBlobs(join(bench.root, 'good'));
}

const LEAVING: Readonly<Record<string, readonly RawEntry[]>> = {
  'dot-dot': [{ name: '../../escaped', content: 'x' }],
  'dot-dot-inside': [{ name: 'a/../../escaped', content: 'x' }],
  'dot-dot-absolute': [{ name: '/../escaped', content: 'x' }],
  'hard-link-out': [{ name: 'passwd', flag: '1', link: '../../../etc/passwd' }],
  'size-lies': [{ name: 'short', content: 'abc', size: 100_000 }],
  'negative-size': [{ name: 'negative', size: -1 }],
};

for (const [name, entries] of Object.entries(LEAVING)) {
  test(`a layer with ${name} is refused by every command`, async (context) => {
    const bench = await openBench(context);
    const layer = rawLayer(entries);
    for (const [command, ended] of Object.entries(await bench.runAll(name, [OLD, layer]))) {
      assertRefused(ended, { code: 'OCI_LAYER_INVALID', says: ['layer sha256:'] });
      assert.doesNotMatch(ended.stderr, /root:x:0/, command);
    }
    await assertNothingLeft(bench);
  });
}

test('a gzip bomb is given up on before it has unpacked', async (context) => {
  const bench = await openBench(context);
  await saveRawImage(join(bench.root, 'images'), 'bomb', [OLD, bombLayer(5)]);
  const moves = ['--from', 'oci:images:old', '--onto', 'oci:images:new', '-o', 'oci:out:1'];
  for (const command of [['scan'], ['patch', '-o', 'oci:out:1'], ['rebase', ...moves]]) {
    const [name = '', ...options] = command;
    assertRefused(await bench.run1(name, 'oci:images:bomb', ...options), { code: 'OCI_LAYER_LIMIT' });
  }
  await assertNothingLeft(bench);
});

test('absolute names, links that lead out and device nodes stay inside the image', async (context) => {
  const bench = await openBench(context);
  const outside = bench.root;
  const entries: readonly RawEntry[] = [
    { name: `${outside}/escaped`, content: 'x' },
    { name: 'out', flag: '2', link: outside },
    { name: 'out/escaped', content: 'x' },
    { name: 'up', flag: '2', link: '../../../../../../../../../..' },
    { name: `up${outside}/escaped`, content: 'x' },
    { name: 'dev/sda', flag: '3' },
    { name: 'etc/passwd', flag: '2', link: '/etc/passwd' },
  ];
  const results = await bench.runAll('links', [OLD, rawLayer(entries)]);
  for (const [command, ended] of Object.entries(results)) {
    assert.ok(!existsSync(join(outside, 'escaped')), command);
    assert.ok(
      ended.code === 0 || /^ {2}code: [A-Z_]+$/m.test(ended.stderr) || command === 'verify',
      `${command}: ${ended.stderr}`,
    );
    assert.doesNotMatch(ended.stdout + ended.stderr, /root:x:0|UNEXPECTED/, command);
  }
  assert.equal(results.patch?.code, 0, results.patch?.stderr);
  await checkBlobs(join(outside, 'out'));
  await bench.checkHome();
});

test('the same layers unpacked for the image’s own dpkg write nothing outside the sandbox', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('needs root');
  const bench = await openBench(context);
  const outside = bench.root;
  const entries: readonly RawEntry[] = [
    { name: 'usr/bin/dpkg', content: '#!/bin/false\n' },
    { name: `${outside}/escaped`, content: 'x' },
    { name: 'out', flag: '2', link: outside },
    { name: 'out/escaped', content: 'x' },
    { name: 'up', flag: '2', link: '../../../../../../../../../..' },
    { name: `up${outside}/escaped`, content: 'x' },
    { name: 'dev/sda', flag: '3' },
  ];
  await saveRawImage(join(bench.root, 'images'), 'dpkg', [OLD, rawLayer(entries)]);
  const before = (await filesBelow(bench.root)).filter((path) => !path.startsWith('home/'));
  const ended = await bench.run1('patch', 'oci:images:dpkg', '-o', 'oci:out:dpkg');
  assertRefused(ended, { code: 'PATCH_FAILED' });
  const after = (await filesBelow(bench.root)).filter((path) => !path.startsWith('home/'));
  assert.deepEqual(after, before);
  assert.doesNotMatch(await readFile('/proc/self/mounts', 'utf8'), new RegExp(bench.root), 'nothing stays mounted');
  await assertNothingLeft(bench);
});

test('a manifest that names a missing blob, or one that holds other bytes', async (context) => {
  const bench = await openBench(context);
  const extra = rawLayer([{ name: 'app', content: 'x' }]);
  for (const [name, code, damage] of [
    ['missing', 'BLOB_MISSING', undefined],
    ['other', 'OCI_DIGEST_MISMATCH', gzipSync('other bytes')],
    ['cut', 'OCI_DIGEST_MISMATCH', extra.blob.subarray(0, 20)],
    // As many bytes, and a layer that can be read: only its hash tells.
    ['swapped', 'OCI_DIGEST_MISMATCH', rawLayer([{ name: 'app', content: 'y' }]).blob],
  ] as const) {
    const images = join(bench.root, `images-${name}`);
    const saved = await saveRawImage(images, name, [OLD, extra]);
    const blob = join(images, 'blobs', 'sha256', digestHex(saved.layers[1] ?? assert.fail()));
    await rm(blob);
    if (damage !== undefined) await writeFile(blob, damage);
    const image = `oci:images-${name}:${name}`;
    const commands = [
      ['scan', image],
      ['layers', image],
      ['patch', image, '-o', 'oci:out:1'],
      ['rebase', image, '--from', 'oci:images:old', '--onto', 'oci:images:new', '-o', 'oci:out:1'],
      ['verify', image, '--no-start'],
    ];
    for (const command of commands) {
      const ended = await bench.run1(...command);
      assertRefused(ended, { code });
    }
    await assertNothingLeft(bench);
  }
});

test('images that a command cannot work on: why, and what to do instead', async (context) => {
  const bench = await openBench(context);
  const images = join(bench.root, 'images');
  await saveRawImage(images, 'empty', [rawLayer([{ name: 'app', content: 'x' }])]);
  // Scripts ran in it once, and the dpkg that could run them again is gone.
  const ran = ['etc/ld.so.cache', 'var/lib/dpkg/info/libc6:amd64.postinst'].map((name) => ({ name, content: '' }));
  const database = { name: 'var/lib/dpkg/status', content: status(stanza('scripted', '0.9-1')) };
  await saveRawImage(images, 'ran', [
    rawLayer([{ name: 'usr/lib/os-release', content: OS_RELEASE }, database, ...ran]),
  ]);
  const onto = ['--onto', 'oci:images:new', '-o', 'oci:out:1'];
  assertRefused(await bench.run1('patch', 'oci:images:empty', '-o', 'oci:out:1'), { code: 'IMAGE_UNSUPPORTED' });
  const ranIn = await bench.run1('patch', 'oci:images:ran', '-o', 'oci:out:1');
  assertRefused(ranIn, { code: 'PATCH_SCRIPTS_NEEDED', says: ['scripted'] });
  assertRefused(await bench.run1('rebase', 'oci:images:old', ...onto), {
    code: 'IMAGE_BASE_UNKNOWN',
    exit: 2,
    says: ['--from'],
  });
  const stranger = await bench.run1('rebase', 'oci:images:empty', '--from', 'oci:images:old', ...onto);
  assertRefused(stranger, { code: 'REBASE_NOT_A_CHILD' });
  await saveRawImage(images, 'both', [OLD, rawLayer([{ name: 'usr/lib/os-release', content: 'mine' }])]);
  await saveRawImage(images, 'moved', [root('1.0-1', [{ name: 'usr/lib/os-release', content: 'theirs' }])]);
  const both = await bench.run1(
    'rebase',
    'oci:images:both',
    '--from',
    'oci:images:old',
    '--onto',
    'oci:images:moved',
    '-o',
    'oci:out:1',
  );
  assertRefused(both, { code: 'REBASE_REFUSED', says: ['usr/lib/os-release'] });
  await assertNothingLeft(bench);
});
