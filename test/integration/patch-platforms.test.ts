/** `patch` of an image of several platforms: as a whole, none lost on the way. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ApkSpec } from '../../src/distro/testing/apk-packages.ts';
import { readLayers } from '../../src/inventory/index.ts';
import { memoryImage } from '../../src/inventory/testing/memory-image.ts';
import { digestOf, type ImageIndex, parseReference } from '../../src/oci/index.ts';
import { openImage, openIndex, saveIndex } from '../../src/transport/index.ts';
import { ApkMirror } from '../support/apk-world.ts';
import { openCli } from '../support/cli.ts';

const RELEASE = 'ID=alpine\nVERSION_ID=3.22.1\n';
const DATABASE = 'lib/apk/db/installed';
const record = (arch: string): string =>
  `C:Q1${Buffer.alloc(20).toString('base64')}\nP:lib\nV:1-r0\nA:${arch}\nF:usr/lib\nR:lib\n\n`;
const lib = (arch: string): ApkSpec => ({
  name: 'lib',
  version: '2-r0',
  arch,
  files: { 'usr/lib/lib': `two for ${arch}` },
});

let folder: string;
let mirror: ApkMirror;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'platforms-'));
  mirror = new ApkMirror(join(folder, 'mirror'));
  await mirror.offer([lib('x86_64'), lib('aarch64')]);
  await mirror.offer([lib('x86_64'), lib('aarch64')], [lib('aarch64')]);
});
after(() => rm(folder, { recursive: true, force: true }));

/** An image of these platforms, with a statement on the first as buildx puts it beside. */
async function multi(name: string, platforms: Readonly<Record<string, string>>): Promise<string> {
  const images = Object.entries(platforms).map(([architecture, arch]) => {
    const image = memoryImage(
      [{ 'etc/os-release': RELEASE, [DATABASE]: record(arch), 'usr/lib/lib': `one for ${arch}` }],
      { config: { architecture } },
    );
    return { architecture, image, digest: digestOf(image.manifestBytes) };
  });
  const statement = memoryImage([{ 'statement.json': '{}' }]);
  const describe = (image: typeof statement) => ({
    ...{ mediaType: image.mediaType, digest: digestOf(image.manifestBytes), size: image.manifestBytes.length },
  });
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      ...images.map(({ image, architecture }) => ({ ...describe(image), platform: { os: 'linux', architecture } })),
      {
        ...describe(statement),
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.digest': images[0]?.digest ?? '' },
      },
    ],
    annotations: { kept: 'yes' },
  };
  const reference = `oci:${join(folder, 'layout')}:${name}`;
  await saveIndex({ index, images: [...images.map(({ image }) => image), statement] }, parseReference(reference));
  return reference;
}

async function contentOf(reference: string, architecture: string): Promise<string> {
  const image = await openImage(parseReference(reference), { platform: { os: 'linux', architecture } });
  const layers = await readLayers(image, { hashFiles: true });
  return (
    layers
      .findLast(({ index }) => index.entries.some(({ path }) => path === 'usr/lib/lib'))
      ?.index.entries.find(({ path }) => path === 'usr/lib/lib')?.sha256 ?? ''
  );
}
const hashOf = (text: string): string => digestOf(Buffer.from(text)).slice(7);

test('all platforms of an image are patched, each from its own repository', async (context) => {
  const cli = await openCli(context);
  const options = ['--mirror', mirror.url, '--keyring', await mirror.keyFile(), '--format', 'json'];
  const reference = await multi('both', { amd64: 'x86_64', arm64: 'aarch64' });
  const to = `oci:${join(folder, 'layout')}:patched`;
  const { code, stdout, stderr } = await cli.run(['patch', reference, '-o', to, ...options]);
  assert.equal(code, 0, stderr);
  const told = JSON.parse(stdout);
  assert.deepEqual(
    told.platforms.map((one: { platform: string; changes: { to: string }[] }) => [one.platform, one.changes[0]?.to]),
    [
      ['linux/amd64', '2-r0'],
      ['linux/arm64', '2-r0'],
    ],
  );
  // What was said of the old image is not said of the new one.
  assert.equal(told.leftOut.length, 1);
  assert.equal(await contentOf(to, 'amd64'), hashOf('two for x86_64'));
  assert.equal(await contentOf(to, 'arm64'), hashOf('two for aarch64'));
  const index = await openIndex(parseReference(to));
  assert.equal(index?.index.annotations?.kept, 'yes');
  assert.equal(index?.index.annotations?.['io.heraklit.patch.source.digest'], told.source);
  assert.equal(index?.index.manifests.length, 2);
  // Patched again: nothing to do, the same image.
  const again = await cli.run(['patch', to, '-o', `oci-archive:${join(folder, 'again.tar')}:x`, ...options]);
  assert.equal(JSON.parse(again.stdout).digest, told.digest, again.stderr);
  const archive = await openIndex(parseReference(`oci-archive:${join(folder, 'again.tar')}:x`));
  assert.equal(archive?.descriptor.digest, told.digest);
  await archive?.close();

  const one = await cli.run([
    'patch',
    reference,
    '-o',
    `oci:${join(folder, 'one')}:1`,
    '--platform',
    'linux/arm64',
    ...options,
  ]);
  assert.equal(JSON.parse(one.stdout).strategy, 'patch', one.stderr);
  assert.equal(await contentOf(`oci:${join(folder, 'one')}:1`, 'arm64'), hashOf('two for aarch64'));
});

test('a platform that cannot be patched is told: nothing is written, or it is kept as it was', async (context) => {
  const cli = await openCli(context);
  const options = ['--mirror', mirror.url, '--keyring', await mirror.keyFile()];
  const reference = await multi('partly', { amd64: 'x86_64', riscv64: 'riscv64' });
  const to = `oci:${join(folder, 'partly')}:1`;
  const refused = await cli.run(['patch', reference, '-o', to, ...options]);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /linux\/riscv64[\s\S]*PATCH_PLATFORMS_INCOMPLETE/);
  await assert.rejects(readFile(join(folder, 'partly', 'index.json')));
  const kept = await cli.run(['patch', reference, '-o', to, '--keep-unpatched', ...options]);
  assert.equal(kept.code, 0, kept.stderr);
  assert.match(kept.stdout, /linux\/riscv64: NOT PATCHED, kept as it is/);
  assert.equal(await contentOf(to, 'amd64'), hashOf('two for x86_64'));
  assert.equal(await contentOf(to, 'riscv64'), hashOf('one for riscv64'));
});
