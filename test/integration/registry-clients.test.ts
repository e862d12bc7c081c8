import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type Database, openDatabase } from '../../src/database/index.ts';
import { createSqlCatalogue } from '../../src/registry/index.ts';
import { isMissing, storageBelow, unmountStorage } from '../support/engine-tools.ts';
import { startRegistry, type TestRegistry } from './registry-process.ts';

const run = promisify(execFile);

let registry: TestRegistry;
let database: Database;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clients-'));
  database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
  registry = await startRegistry({ catalogue: createSqlCatalogue(database) });
});
after(async () => {
  await registry.close();
  await database.close();
  unmountStorage(folder);
  await rm(folder, { recursive: true, force: true });
});

const buildah = (...args: string[]) => run('buildah', [...storageBelow(folder), ...args], { timeout: 120_000 });
const podman = (...args: string[]) => run('podman', [...storageBelow(folder), ...args], { timeout: 120_000 });
const skopeo = (...args: string[]) => run('skopeo', args, { timeout: 120_000 });

/** A two-layer image from nothing, built and pushed by buildah. */
const pushed = async (name: string, format: 'oci' | 'docker'): Promise<string> => {
  const context = join(folder, name);
  await mkdir(context, { recursive: true });
  await writeFile(join(context, 'data'), Buffer.alloc(300_000, name));
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY data /data\nCOPY Dockerfile /etc/Dockerfile\n');
  await buildah('build', '--format', format, '--layers', '-t', name, context);
  const reference = `${registry.host}/team/${name}:v1`;
  await buildah('push', '--tls-verify=false', name, `docker://${reference}`);
  return reference;
};

test('buildah pushes OCI and Docker images, podman pulls them', async (context) => {
  if (isMissing(context, 'buildah', 'podman')) return;
  for (const format of ['oci', 'docker'] as const) {
    const reference = await pushed(`${format}-app`, format);
    const manifest = await registry.catalogue.resolve(`team/${format}-app`, 'v1');
    assert.equal(manifest?.mediaType.includes('docker'), format === 'docker', 'stored as it was pushed');
    await buildah('rmi', '--all', '--force');
    await podman('pull', '--tls-verify=false', reference);
    const { stdout } = await podman('image', 'inspect', '--format', '{{.Digest}}', reference);
    assert.equal(stdout.trim(), manifest?.digest);
  }
});

test('podman pushes what it pulled under another name: blobs are mounted or found, tags listed by skopeo', async (context) => {
  if (isMissing(context, 'buildah', 'podman', 'skopeo')) return;
  const reference = await pushed('again', 'oci');
  await podman('pull', '--tls-verify=false', reference);
  const copy = `${registry.host}/other/again`;
  for (const tag of ['v1', 'v2']) await podman('push', '--tls-verify=false', reference, `docker://${copy}:${tag}`);
  const { stdout } = await skopeo('list-tags', '--tls-verify=false', `docker://${copy}`);
  assert.deepEqual((JSON.parse(stdout) as { Tags: string[] }).Tags, ['v1', 'v2']);
});

test('skopeo copies in and out without changing a digest, and deletes', async (context) => {
  if (isMissing(context, 'buildah', 'skopeo')) return;
  const reference = await pushed('copied', 'oci');
  const layout = `oci:${join(folder, 'layout')}:copied`;
  await skopeo('copy', '--src-tls-verify=false', '--preserve-digests', `docker://${reference}`, layout);
  const target = `docker://${registry.host}/deep/er/copied:v9`;
  await skopeo('copy', '--dest-tls-verify=false', '--preserve-digests', layout, target);
  assert.deepEqual(
    await registry.catalogue.resolve('deep/er/copied', 'v9'),
    await registry.catalogue.resolve('team/copied', 'v1'),
  );
  const { stdout } = await skopeo('inspect', '--tls-verify=false', target);
  assert.equal((JSON.parse(stdout) as { Layers: string[] }).Layers.length, 2);
  await skopeo('delete', '--tls-verify=false', target);
  await assert.rejects(
    skopeo('inspect', '--tls-verify=false', target),
    /manifest unknown|MANIFEST_UNKNOWN|no manifest/i,
  );
});

test('skopeo is told which blob a broken image lacks', async (context) => {
  if (isMissing(context, 'buildah', 'skopeo')) return;
  const reference = await pushed('broken', 'oci');
  const found = await registry.catalogue.resolve('team/broken', 'v1');
  assert.ok(found);
  const manifest = JSON.parse((await registry.store.read(found.digest, 100_000)).toString()) as {
    layers: { digest: `sha256:${string}` }[];
  };
  await registry.store.delete(manifest.layers[0]?.digest as `sha256:${string}`);
  const copying = skopeo(
    'copy',
    '--src-tls-verify=false',
    `docker://${reference}`,
    `oci:${join(folder, 'broken-out')}:x`,
  );
  await assert.rejects(copying, /no blob sha256|BLOB_UNKNOWN|404/);
});

test('an image of two platforms: pushed by buildah, copied whole and in part by skopeo, pulled by podman', async (context) => {
  if (isMissing(context, 'buildah', 'podman', 'skopeo')) return;
  const source = join(folder, 'platforms');
  await mkdir(source, { recursive: true });
  await writeFile(join(source, 'data'), 'for any platform');
  await writeFile(join(source, 'Dockerfile'), 'FROM scratch\nCOPY data /data\n');
  const platforms = 'linux/amd64,linux/arm64';
  await buildah('build', '--platform', platforms, '--manifest', 'platforms', source);
  const all = `docker://${registry.host}/team/platforms:all`;
  await buildah('manifest', 'push', '--all', '--tls-verify=false', 'platforms', all);
  const index = await registry.catalogue.resolve('team/platforms', 'all');
  assert.ok(index);

  const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false', '--preserve-digests'];
  const at = (name: string) => `docker://${registry.host}/${name}:all`;
  await skopeo('copy', '--all', ...insecure, all, at('whole/platforms'));
  assert.deepEqual(await registry.catalogue.resolve('whole/platforms', 'all'), index);
  await skopeo('copy', '--multi-arch', 'index-only', ...insecure, all, at('sparse/platforms'));
  assert.deepEqual(await registry.catalogue.resolve('sparse/platforms', 'all'), index, 'an index without its images');
  await skopeo('copy', '--multi-arch', 'system', ...insecure.slice(0, 2), all, at('one/platforms'));
  await podman('pull', '--tls-verify=false', '--arch', 'arm64', `${registry.host}/whole/platforms:all`);
  const { stdout } = await podman(
    'image',
    'inspect',
    '-f',
    '{{.Architecture}}',
    `${registry.host}/whole/platforms:all`,
  );
  assert.equal(stdout.trim(), 'arm64');
});

test('zstd layers are pushed by buildah and pulled by podman', async (context) => {
  if (isMissing(context, 'buildah', 'podman')) return;
  const source = join(folder, 'zstd');
  await mkdir(source, { recursive: true });
  await writeFile(join(source, 'data'), Buffer.alloc(300_000, 'zstd'));
  await writeFile(join(source, 'Dockerfile'), 'FROM scratch\nCOPY data /data\n');
  await buildah('build', '-t', 'zstd', source);
  const reference = `${registry.host}/team/zstd:small`;
  await buildah('push', '--tls-verify=false', '--compression-format', 'zstd', 'zstd', `docker://${reference}`);
  const descriptor = await registry.catalogue.resolve('team/zstd', 'small');
  assert.ok(descriptor);
  const manifest = (await registry.store.read(descriptor.digest, 100_000)).toString();
  assert.match(manifest, /tar\+zstd/);
  await buildah('rmi', '--all', '--force');
  await podman('pull', '--tls-verify=false', reference);
});
