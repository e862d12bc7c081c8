import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { OS_RELEASE, stanza, status } from '../../src/inventory/testing/debian-root.ts';
import { memoryImage } from '../../src/inventory/testing/memory-image.ts';
import { parseReference } from '../../src/oci/index.ts';
import { saveImage } from '../../src/transport/index.ts';

const BIN = resolve(import.meta.dirname, '../../bin/heraklit.js');
const STATUS = 'var/lib/dpkg/status';
let folder: string;
let one: string;
let two: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-inventory-'));
  one = `oci:${join(folder, 'layout')}:one`;
  two = `oci:${join(folder, 'layout')}:two`;
  const base = { 'usr/lib/os-release': OS_RELEASE, [STATUS]: status(stanza('dpkg', '1.22'), stanza('libx', '1.9')) };
  const npm = (version: string) => ({ 'srv/node_modules/lib/package.json': JSON.stringify({ name: 'lib', version }) });
  const top = { [STATUS]: status(stanza('dpkg', '1.22'), stanza('libx', '1.10')), ...npm('1.10.0') };
  await saveImage(memoryImage([{ ...base, ...npm('1.9.0') }]), parseReference(one));
  await saveImage(memoryImage([base, top]), parseReference(two));
});
after(() => rm(folder, { recursive: true, force: true }));

function heraklit(...args: readonly string[]): { code: number | null; stdout: string; stderr: string } {
  const {
    status: code,
    stdout,
    stderr,
  } = spawnSync(process.execPath, [BIN, ...args, '--home', join(folder, 'home')], {
    encoding: 'utf8',
    env: { ...process.env, HERAKLIT_DATABASE: '' },
  });
  return { code, stdout, stderr };
}

test('scan, layers, diff and sbom print data alone to stdout', () => {
  const scan = heraklit('scan', two, '--format', 'json');
  assert.deepEqual([scan.code, scan.stderr], [0, '']);
  const contents = JSON.parse(scan.stdout);
  assert.deepEqual(
    contents.packages.map((item: { name: string; version: string }) => `${item.name}=${item.version}`),
    ['dpkg=1.22', 'libx=1.10'],
  );
  assert.match(heraklit('scan', one).stdout, /Debian GNU\/Linux 13 \(trixie\), amd64: 2 packages/);
  assert.match(heraklit('scan', one).stdout, /^lib +1\.9\.0 +npm +srv\/node_modules\/lib\/package\.json +sha256:/m);
  assert.doesNotMatch(heraklit('scan', one, '--packages', 'os').stdout, /^lib /m);
  assert.doesNotMatch(heraklit('scan', one, '--packages', 'language').stdout, /^dpkg /m);
  assert.match(heraklit('scan', one, '--packages', 'both').stderr, /--packages takes os, language, all/);
  const layers = JSON.parse(heraklit('layers', two, '--format', 'json').stdout);
  assert.equal(layers.layers.length, 2);
  assert.ok(layers.wastedBytes > 0 && layers.efficiency < 1);
  assert.match(heraklit('diff', one, two).stdout, /~ libx:amd64 1\.9 → 1\.10\n[\s\S]*~ npm lib 1\.9\.0 → 1\.10\.0\n/);
  assert.equal(heraklit('diff', one, two, '--exit-code').code, 1);
  assert.equal(heraklit('diff', one, one, '--exit-code').code, 0);
  assert.equal(JSON.parse(heraklit('sbom', two).stdout).bomFormat, 'CycloneDX');
  assert.equal(JSON.parse(heraklit('sbom', two, '--format', 'spdx').stdout).spdxVersion, 'SPDX-2.3');
});

test('where answers from what was recorded, in the order of the package’s own format', () => {
  for (const reference of [one, two]) assert.equal(heraklit('scan', reference, '--record').code, 0);
  const found = (name: string, range: string) =>
    JSON.parse(heraklit('where', name, '--version', range, '--format', 'json').stdout).packages.map(
      (item: { version: string; images: { reference: string }[] }) => [
        item.version,
        item.images.map((image) => image.reference),
      ],
    );
  assert.deepEqual(found('libx', '<1.10'), [['1.9', [one]]]);
  assert.match(heraklit('scan', two, '--base').stdout, /^Base: probably|^Base: none recognised$/m);
  assert.match(heraklit('layers', one, '--base').stdout, /^Base: none recognised$/m);
  const used = JSON.parse(heraklit('where', 'libx', '--format', 'json').stdout).packages;
  assert.deepEqual(
    used.map((item: { images: { usage: string }[] }) => item.images[0]?.usage),
    ['contained', 'contained'],
  );
  assert.deepEqual(JSON.parse(heraklit('where', 'libx', '--usage', 'linked', '--format', 'json').stdout).packages, []);
  assert.deepEqual(found('lib', '<1.10.0'), [['1.9.0', [one]]]);
  assert.deepEqual(found('lib', '>1.10.0-rc.1'), [['1.10.0', [two]]]);
  const all = JSON.parse(heraklit('outdated', '--all', '--format', 'json').stdout);
  assert.deepEqual(
    all.images.map((image: { status: string }) => image.status),
    ['unchecked', 'unchecked'],
  );
});

test('while serve holds the home, outdated --all asks it and says the same', async () => {
  const alone = heraklit('outdated', '--all', '--format', 'json');
  const server = spawn(process.execPath, [BIN, 'serve', '--port', '0', '--home', join(folder, 'home')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, HERAKLIT_DATABASE: '' },
  });
  const ended = new Promise((end) => server.once('exit', end));
  try {
    for await (const chunk of server.stdout) if (String(chunk).includes('serves')) break;
    const served = heraklit('outdated', '--all', '--format', 'json');
    assert.deepEqual([served.code, JSON.parse(served.stdout)], [0, JSON.parse(alone.stdout)], served.stderr);
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
});

test('wrong use is exit code 2 with a hint', () => {
  for (const args of [
    ['scan', 'oci:'],
    ['where', 'libx', '--version', '<'],
    ['where', 'libx', '--limit', 'many'],
    ['where', '--file', 'libx', '--usage', 'linked'],
    ['outdated'],
    ['scan', `dir:${folder}/nothing`],
  ]) {
    const { code, stderr, stdout } = heraklit(...args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^error: .+\n[\s\S]*code: [A-Z_]+\n$/);
  }
});
