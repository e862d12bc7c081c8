import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type Digest, digestHex, digestOf, MediaType, parseReference, serialize } from '../../src/oci/index.ts';
import { openBlobStore, updateLayoutIndex } from '../../src/storage/index.ts';
import { listImages, type OpenedImage, openImage, saveImage } from '../../src/transport/index.ts';
import { startRegistry, type TestRegistry } from './registry-process.ts';
import { type SampleImage, sampleImage, tarOf } from './sample-image.ts';

const run = promisify(execFile);
const image = sampleImage();
let folder: string;
let registry: TestRegistry;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'transport-'));
  // Spools of compressed archives land here, where nobody else's are.
  process.env.TMPDIR = folder;
  registry = await startRegistry();
});
after(async () => {
  await registry.close();
  await rm(folder, { recursive: true });
});

const open = (text: string, options = {}): Promise<OpenedImage> => openImage(parseReference(text), options);
const save = (what: SampleImage | OpenedImage, text: string) => saveImage(what, parseReference(text));
const code = (wanted: string) => (error: { code?: string }) => {
  assert.equal(error.code, wanted, String(error));
  return true;
};

/** Every blob reads back whole and verified. */
const readAll = async (opened: OpenedImage): Promise<number> => {
  let bytes = 0;
  for (const { digest, size } of [opened.manifest.config, ...opened.manifest.layers]) {
    const content = await buffer(await opened.blobs.open(digest));
    assert.equal(digestOf(content), digest);
    assert.equal(content.length, size);
    bytes += size;
  }
  return bytes;
};

const missing = (context: TestContext, ...tools: string[]): boolean => {
  const absent = tools.find((tool) => spawnSync(tool, ['--version']).error !== undefined);
  if (absent !== undefined) context.skip(`${absent} not installed`);
  return absent !== undefined;
};
const skopeo = (...args: string[]) => run('skopeo', args, { timeout: 120_000 });

test('an image goes through every transport and stays the same', async () => {
  for (const reference of [
    `oci:${folder}/layout:v1`,
    `oci-archive:${folder}/image.tar:v1`,
    `oci-archive:${folder}/untagged.tar`,
    `${registry.host}/team/app:v1`,
  ]) {
    const { digest } = await save(image, reference);
    assert.equal(digest, digestOf(image.manifestBytes));
    const opened = await open(reference);
    assert.equal(opened.digest, digest);
    assert.deepEqual(opened.config, image.config);
    await readAll(opened);
    await opened.close();
  }
  assert.deepEqual((await readdir(join(folder, 'layout'))).sort(), ['blobs', 'index.json', 'oci-layout']);
  const byDigest = await open(`${registry.host}/team/app@${digestOf(image.manifestBytes)}`);
  await byDigest.close();
});

test('the same image gives the same archive bytes', async () => {
  for (const kind of ['oci-archive', 'docker-archive']) {
    await save(image, `${kind}:${folder}/same1.tar`);
    await save(image, `${kind}:${folder}/same2.tar`);
    assert.ok((await readFile(join(folder, 'same1.tar'))).equals(await readFile(join(folder, 'same2.tar'))));
  }
});

test('docker-archive: layers are uncompressed, the config is the same', async () => {
  const reference = `docker-archive:${folder}/docker.tar:v1`;
  await save(image, reference);
  const opened = await open(reference);
  assert.equal(opened.manifest.config.digest, image.manifest.config.digest);
  assert.deepEqual(
    opened.manifest.layers.map(({ digest }) => digest),
    image.config.rootfs.diff_ids,
  );
  await readAll(opened);
  await opened.close();
  const again = await open(reference);
  assert.equal(again.digest, opened.digest, 'the manifest that is made is the same every time');
  await again.close();
});

test('skopeo reads what we write, and we read what skopeo writes', async (context) => {
  if (missing(context, 'skopeo')) return;
  await save(image, `oci:${folder}/skopeo:v1`);
  await save(image, `oci-archive:${folder}/skopeo-oci.tar:v1`);
  await save(image, `docker-archive:${folder}/skopeo-docker.tar:v1`);
  for (const [index, source] of [
    `oci:${folder}/skopeo:v1`,
    `oci-archive:${folder}/skopeo-oci.tar:v1`,
    `docker-archive:${folder}/skopeo-docker.tar:skopeo-docker:v1`,
  ].entries()) {
    const { stdout } = await skopeo('inspect', '--config', source);
    const config = JSON.parse(stdout) as { rootfs: { diff_ids: string[] } };
    assert.deepEqual(config.rootfs.diff_ids, image.config.rootfs.diff_ids);
    for (const target of [
      `oci:${folder}/from-skopeo${index}:v2`,
      `oci-archive:${folder}/from-skopeo${index}.tar:v2`,
      `docker-archive:${folder}/from-skopeo-docker${index}.tar:name:v2`,
    ]) {
      // skopeo itself does not convert zstd layers to Docker's form.
      if (target.startsWith('docker-archive:') && !source.startsWith('docker-archive:')) continue;
      await skopeo('copy', source, target);
      const opened = await open(target.replace(':name:v2', ':v2'));
      assert.deepEqual(opened.config.rootfs.diff_ids, image.config.rootfs.diff_ids);
      await readAll(opened);
      await opened.close();
    }
  }
});

test('a compressed archive is read all the same', async () => {
  await save(image, `oci-archive:${folder}/plain.tar:v1`);
  await writeFile(join(folder, 'packed.tar.gz'), gzipSync(await readFile(join(folder, 'plain.tar'))));
  const opened = await open(`oci-archive:${folder}/packed.tar.gz:v1`);
  await readAll(opened);
  await opened.close();
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('heraklit-archive-')),
    [],
  );
});

test('docker save with compressed layers and linked layers, and with an OCI layout inside', async () => {
  const [gzip, , plain] = image.manifest.layers;
  const bytes = (digest: Digest | undefined): Buffer => image.content.get(digest as Digest) as Buffer;
  const configBytes = serialize({
    ...image.config,
    rootfs: {
      type: 'layers',
      diff_ids: [image.config.rootfs.diff_ids[0], image.config.rootfs.diff_ids[2], image.config.rootfs.diff_ids[2]],
    },
  });
  const work = join(folder, 'saved');
  await mkdir(join(work, 'a'), { recursive: true });
  await mkdir(join(work, 'b'));
  await mkdir(join(work, 'c'));
  await writeFile(join(work, 'a/layer.tar'), bytes(gzip?.digest));
  await writeFile(join(work, 'b/layer.tar'), bytes(plain?.digest));
  await symlink('../b/layer.tar', join(work, 'c/layer.tar'));
  await writeFile(join(work, 'config.json'), configBytes);
  const list = [
    { Config: 'config.json', RepoTags: ['x/app:v1'], Layers: ['a/layer.tar', 'b/layer.tar', 'c/layer.tar'] },
  ];
  await writeFile(join(work, 'manifest.json'), JSON.stringify(list));
  await run('tar', ['-cf', join(folder, 'saved.tar'), '-C', work, '.']);
  const opened = await open(`docker-archive:${folder}/saved.tar:v1`);
  assert.equal(opened.manifest.layers[0]?.mediaType, MediaType.layerGzip);
  assert.equal(opened.manifest.layers[2]?.digest, plain?.digest);
  await readAll(opened);
  await opened.close();
  await assert.rejects(open(`docker-archive:${folder}/saved.tar:v2`), code('TRANSPORT_IMAGE_MISSING'));

  await save(image, `oci:${folder}/inside:v1`);
  await writeFile(join(folder, 'inside/manifest.json'), '[]');
  await run('tar', ['-cf', join(folder, 'inside.tar'), '-C', join(folder, 'inside'), '.']);
  const inside = await open(`docker-archive:${folder}/inside.tar:v1`);
  assert.equal(inside.digest, digestOf(image.manifestBytes));
  await inside.close();
});

test('a missing or wrong blob is named, wherever the image lies', async () => {
  const layer = image.manifest.layers[1]?.digest as Digest;
  const names = (error: Error & { code?: string }): boolean =>
    error.code === 'BLOB_MISSING' && error.message.includes(layer);
  await save(image, `oci:${folder}/holed:v1`);
  await rm(join(folder, 'holed/blobs/sha256', digestHex(layer)));
  await assert.rejects(open(`oci:${folder}/holed:v1`), names);
  await run('tar', ['-cf', join(folder, 'holed.tar'), '-C', join(folder, 'holed'), '.']);
  await assert.rejects(open(`oci-archive:${folder}/holed.tar:v1`), names);
  const other = await startRegistry();
  try {
    await save(image, `${other.host}/holed:v1`);
    await other.store.delete(layer);
    const opened = await open(`${other.host}/holed:v1`);
    await assert.rejects(opened.blobs.open(layer), names);
    await assert.rejects(save(opened, `oci:${folder}/copy-of-holed:v1`), names);
    await opened.close();
    assert.deepEqual(await listImages(join(folder, 'copy-of-holed')), []);
  } finally {
    await other.close();
  }
  await writeFile(join(folder, 'holed/blobs/sha256', digestHex(layer)), 'short');
  await assert.rejects(open(`oci:${folder}/holed:v1`), code('OCI_DIGEST_MISMATCH'));
  const size = image.manifest.layers[1]?.size as number;
  await writeFile(join(folder, 'holed/blobs/sha256', digestHex(layer)), Buffer.alloc(size));
  const wrong = await open(`oci:${folder}/holed:v1`);
  await assert.rejects(buffer(await wrong.blobs.open(layer)), code('OCI_DIGEST_MISMATCH'));
});

test('which image: by tag, the only one, or an error that lists them', async () => {
  const second = sampleImage('second');
  await save(image, `oci:${folder}/two:v1`);
  assert.equal((await open(`oci:${folder}/two`)).digest, digestOf(image.manifestBytes));
  await save(second, `oci:${folder}/two:v2`);
  assert.equal((await open(`oci:${folder}/two:v2`)).digest, digestOf(second.manifestBytes));
  await assert.rejects(open(`oci:${folder}/two`), code('TRANSPORT_IMAGE_AMBIGUOUS'));
  await assert.rejects(open(`oci:${folder}/two:v3`), (error: Error) => /v1, v2/.test(error.message));
  assert.deepEqual(
    (await listImages(join(folder, 'two'))).map(({ tag }) => tag),
    ['v1', 'v2'],
  );
  await save(second, `oci:${folder}/two:v1`);
  assert.equal((await open(`oci:${folder}/two`)).digest, digestOf(second.manifestBytes), 'two tags, one image');
});

test('a platform is chosen from an index, and refused where there is none', async () => {
  const arm = sampleImage('arm', 'arm64');
  const layout = join(folder, 'multi');
  const descriptors = [];
  for (const one of [image, arm]) {
    const descriptor = await save(one, `oci:${layout}`);
    descriptors.push({ ...descriptor, platform: { os: 'linux', architecture: one.config.architecture } });
  }
  const unnamed = await open(`oci:${layout}`, { platform: { os: 'linux', architecture: 'arm64' } });
  assert.equal(unnamed.config.architecture, 'arm64');
  const store = await openBlobStore(layout);
  const index = serialize({ schemaVersion: 2, mediaType: MediaType.index, manifests: descriptors });
  const { digest, size } = await store.put(index);
  await updateLayoutIndex(layout, () => ({
    schemaVersion: 2,
    manifests: [
      { mediaType: MediaType.index, digest, size, annotations: { 'org.opencontainers.image.ref.name': 'all' } },
    ],
  }));
  for (const architecture of ['amd64', 'arm64']) {
    const opened = await open(`oci:${layout}:all`, { platform: { os: 'linux', architecture } });
    assert.equal(opened.config.architecture, architecture);
  }
  const s390x = { platform: { os: 'linux', architecture: 's390x' } };
  await assert.rejects(open(`oci:${layout}:all`, s390x), code('OCI_PLATFORM_MISSING'));
  await assert.rejects(open(`oci:${folder}/layout:v1`, s390x), code('OCI_PLATFORM_MISSING'));
});

test('what is no image is a coded error', async () => {
  await assert.rejects(open(`dir:${folder}`), code('TRANSPORT_NOT_AN_IMAGE'));
  await assert.rejects(save(image, `dir:${folder}/x`), code('TRANSPORT_NOT_AN_IMAGE'));
  await assert.rejects(open(`oci:${folder}/none:v1`), code('TRANSPORT_IMAGE_MISSING'));
  await assert.rejects(open(`oci-archive:${folder}/none.tar`), code('TRANSPORT_IMAGE_MISSING'));
  await assert.rejects(open(`oci-archive:${folder}`), code('TRANSPORT_ARCHIVE_INVALID'));
  const digest = digestOf('another');
  await assert.rejects(save(image, `${registry.host}/team/app@${digest}`), code('TRANSPORT_REFERENCE_READ_ONLY'));
  const cases: Readonly<Record<string, readonly [Buffer, string]>> = {
    'text.tar': [Buffer.from('not a tar archive at all\n'.repeat(100)), 'ARCHIVE_CORRUPT'],
    'empty.tar': [Buffer.alloc(0), 'ARCHIVE_CORRUPT'],
    'other.tar': [tarOf({ readme: 'hello' }), 'TRANSPORT_ARCHIVE_INVALID'],
    'escape.tar': [tarOf({ 'oci-layout': '{}', 'xx/oci-layout': '' }), 'TRANSPORT_ARCHIVE_INVALID'],
    'broken.tar': [tarOf({ 'oci-layout': '{}', 'index.json': '{"manifests":[' }), 'TRANSPORT_ARCHIVE_INVALID'],
    'list.tar': [tarOf({ 'manifest.json': '[{"Config":1}]' }), 'TRANSPORT_ARCHIVE_INVALID'],
  };
  for (const [name, [bytes, wanted]] of Object.entries(cases)) {
    await writeFile(join(folder, name), bytes);
    const transport = name === 'list.tar' ? 'docker-archive' : 'oci-archive';
    await assert.rejects(open(`${transport}:${folder}/${name}`), code(wanted), name);
  }
  await save(image, `oci-archive:${folder}/cut.tar`);
  const { size } = await stat(join(folder, 'cut.tar'));
  await truncate(join(folder, 'cut.tar'), size - 3_000);
  await assert.rejects(open(`oci-archive:${folder}/cut.tar`), code('TRANSPORT_ARCHIVE_INVALID'));
});

test('a failed save leaves nothing, and keeps what was there', async () => {
  const broken: SampleImage = { ...image, blobs: { open: () => Promise.reject(new Error('source went away')) } };
  const path = join(folder, 'kept.tar');
  await writeFile(path, 'precious');
  await assert.rejects(save(broken, `oci-archive:${path}`), /went away/);
  assert.equal(await readFile(path, 'utf8'), 'precious');
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.partial')),
    [],
  );
});
