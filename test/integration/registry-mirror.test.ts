import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { Clock } from '../../src/base/index.ts';
import { type Digest, digestOf, MediaType, serialize } from '../../src/oci/index.ts';
import {
  createMemoryCatalogue,
  createMirror,
  createRegistryClient,
  type RegistryClient,
  registryError,
} from '../../src/registry/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { startRegistry, type TestRegistry } from './registry-process.ts';

const run = promisify(execFile);
const MINUTE = 60_000;

interface World {
  readonly upstream: TestRegistry;
  readonly mirror: TestRegistry;
  /** Pushes to upstream. */
  readonly client: RegistryClient;
  /** What upstream was asked, `GET /v2/…`. */
  readonly asked: string[];
  /** Makes every call upstream fail. */
  refuse: (() => Promise<void> | void) | undefined;
  /** Lets time pass for the mirror. */
  later(milliseconds: number): void;
}

async function openWorld(context: TestContext): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const asked: string[] = [];
  const knobs: { refuse?: () => Promise<void> | void } = {};
  const upstream = await startRegistry({
    authorize: async ({ method, url }) => {
      asked.push(`${method} ${url}`);
      await knobs.refuse?.();
    },
  });
  let now = Date.now();
  const clock: Clock = { now: () => now };
  const store = await openBlobStore(join(folder, 'store'));
  const catalogue = createMemoryCatalogue();
  const rules = [{ prefix: 'hub', upstream: `${upstream.host}/team`, maxAge: MINUTE }];
  const mirror = createMirror({ rules, store, catalogue, clock });
  const server = await startRegistry({ store, catalogue, mirror });
  const client = createRegistryClient(upstream.host);
  context.after(async () => {
    client.close();
    await mirror.close();
    await server.close();
    await upstream.close().catch(() => undefined);
  });
  return {
    upstream,
    mirror: server,
    client,
    asked,
    get refuse() {
      return knobs.refuse;
    },
    set refuse(value) {
      if (value === undefined) delete knobs.refuse;
      else knobs.refuse = value;
    },
    later: (milliseconds) => {
      now += milliseconds;
    },
  };
}

async function pushBlob(client: RegistryClient, repository: string, bytes: Buffer): Promise<Digest> {
  const digest = digestOf(bytes);
  await client.pushBlob(repository, { digest, size: bytes.length, open: async () => Readable.from([bytes]) });
  return digest;
}

/** An image with one layer. @returns digests of manifest and layer */
async function pushImage(
  client: RegistryClient,
  tag: string,
  layer: Buffer,
  architecture = 'amd64',
): Promise<{ manifest: Digest; layer: Digest; size: number }> {
  const repository = 'team/app';
  const diffId = digestOf(layer);
  const config = serialize({ architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [diffId] } });
  await pushBlob(client, repository, config);
  await pushBlob(client, repository, layer);
  const bytes = serialize({
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: MediaType.layer, digest: diffId, size: layer.length }],
  });
  await client.pushManifest(repository, tag, { bytes, mediaType: MediaType.manifest });
  return { manifest: digestOf(bytes), layer: diffId, size: bytes.length };
}

/** An empty tar that differs with its content: skopeo looks into layers. */
const layerOf = (seed: string): Buffer => {
  const name = Buffer.alloc(1024 + 512 + 512);
  name.write(`file-${seed}`, 0);
  name.write('0000644\0', 100);
  name.write('0000000\0', 108);
  name.write('0000000\0', 116);
  name.write('00000000001\0', 124);
  name.write('00000000000\0', 136);
  name.write('        0', 148);
  name.write('ustar\u000000', 257);
  const sum = name.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  name.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  name.write('x', 512);
  return name;
};

const ask = (url: string, init: RequestInit = {}): Promise<Response> => fetch(url, { redirect: 'error', ...init });
const gets = (asked: readonly string[]): number => asked.filter((line) => line.startsWith('GET /v2/team/')).length;

test('skopeo copies through the mirror; the second time upstream is only asked whether the tag moved', async (context) => {
  if (spawnSync('skopeo', ['--version']).error !== undefined) return context.skip('skopeo not installed');
  const world = await openWorld(context);
  const { manifest } = await pushImage(world.client, 'v1', layerOf('a'));
  const folder = await mkdtemp(join(tmpdir(), 'copied-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const copy = async (to: string): Promise<void> => {
    const from = `docker://${world.mirror.host}/hub/app:v1`;
    await run('skopeo', [
      'copy',
      '--src-tls-verify=false',
      '--dest-oci-accept-uncompressed-layers',
      from,
      `oci:${join(folder, to)}:v1`,
    ]);
    const index = JSON.parse(await readFile(join(folder, to, 'index.json'), 'utf8'));
    assert.equal(index.manifests[0].digest, manifest);
  };
  await copy('one');
  const before = gets(world.asked);
  await copy('two');
  assert.equal(gets(world.asked), before, 'nothing is fetched twice');
  world.later(2 * MINUTE);
  world.asked.length = 0;
  await copy('three');
  assert.deepEqual(
    world.asked.filter((line) => line.includes('/team/')),
    ['HEAD /v2/team/app/manifests/v1'],
  );
});

test('a tag that moved upstream moves here once its age is over', async (context) => {
  const world = await openWorld(context);
  const url = `${world.mirror.url}/v2/hub/app/manifests/v1`;
  const first = await pushImage(world.client, 'v1', layerOf('a'));
  assert.equal((await ask(url)).headers.get('docker-content-digest'), first.manifest);
  const second = await pushImage(world.client, 'v1', layerOf('b'));
  assert.equal((await ask(url)).headers.get('docker-content-digest'), first.manifest, 'fresh for a minute');
  world.later(2 * MINUTE);
  assert.equal((await ask(url)).headers.get('docker-content-digest'), second.manifest);
  const old = await ask(`${world.mirror.url}/v2/hub/app/manifests/${first.manifest}`);
  assert.equal(old.status, 200, 'what was pulled by digest before stays');
});

test('while upstream is away the cached is served as stale, and the rest is 503 without asking again', async (context) => {
  const world = await openWorld(context);
  const { layer } = await pushImage(world.client, 'v1', layerOf('a'));
  const base = `${world.mirror.url}/v2/hub/app`;
  for (const path of ['manifests/v1', `blobs/${layer}`]) await (await ask(`${base}/${path}`)).arrayBuffer();
  world.refuse = () => {
    throw registryError('REGISTRY_UNAVAILABLE', 'down');
  };
  world.later(2 * MINUTE);
  const stale = await ask(`${base}/manifests/v1`);
  assert.equal(stale.status, 200);
  assert.match(stale.headers.get('warning') ?? '', /^110 /);
  assert.equal((await ask(`${base}/blobs/${layer}`)).status, 200);
  const asked = world.asked.length;
  const absent = await ask(`${base}/manifests/v2`);
  assert.equal(absent.status, 503);
  assert.equal(world.asked.length, asked, 'upstream is left in peace');
  world.refuse = undefined;
  world.later(10 * MINUTE);
  const back = await ask(`${base}/manifests/v1`);
  assert.equal(back.headers.get('warning'), null);
});

test('an upstream that limits the rate is not asked again for as long as it says', async (context) => {
  const world = await openWorld(context);
  await pushImage(world.client, 'v1', layerOf('a'));
  const url = `${world.mirror.url}/v2/hub/app/manifests/v1`;
  assert.equal((await ask(url)).status, 200);
  world.refuse = () => {
    throw registryError('REGISTRY_TOOMANYREQUESTS', 'slow down');
  };
  world.later(2 * MINUTE);
  await ask(url);
  const asked = world.asked.length;
  for (let again = 0; again < 5; again += 1) assert.equal((await ask(url)).status, 200);
  assert.equal(world.asked.length, asked);
});

test('many clients of one blob are one download, and read it while it comes', async (context) => {
  const world = await openWorld(context);
  const layer = randomBytes(5_000_000);
  const digest = await pushBlob(world.client, 'team/app', layer);
  world.asked.length = 0;
  const url = `${world.mirror.url}/v2/hub/app/blobs/${digest}`;
  const all = await Promise.all(
    Array.from({ length: 8 }, async () => Buffer.from(await (await ask(url)).arrayBuffer())),
  );
  for (const bytes of all) assert.equal(digestOf(bytes), digest);
  assert.equal(world.asked.filter((line) => line.startsWith('GET ') && line.includes(digest)).length, 1);
  const part = await ask(url, { headers: { range: 'bytes=10-19' } });
  assert.equal(part.status, 206);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), layer.subarray(10, 20));
});

test('a client that leaves does not end the download', async (context) => {
  const world = await openWorld(context);
  const digest = await pushBlob(world.client, 'team/app', randomBytes(8_000_000));
  const url = `${world.mirror.url}/v2/hub/app/blobs/${digest}`;
  await new Promise<void>((resolve, reject) => {
    get(url, (answer) => {
      answer.once('data', () => {
        answer.destroy();
        resolve();
      });
    }).on('error', reject);
  });
  for (let waited = 0; waited < 100 && !(await world.mirror.store.has(digest)); waited += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(await world.mirror.store.has(digest));
});

test('a blob that is not what its digest says breaks the connection and is not kept', async (context) => {
  const world = await openWorld(context);
  const layer = randomBytes(2_000_000);
  const digest = await pushBlob(world.client, 'team/app', layer);
  const hex = createHash('sha256').update(layer).digest('hex');
  layer[1_000_000] = (layer[1_000_000] ?? 0) ^ 1;
  await writeFile(join(world.upstream.folder, 'store', 'blobs', 'sha256', hex), layer);
  const url = `${world.mirror.url}/v2/hub/app/blobs/${digest}`;
  await assert.rejects(async () => (await ask(url)).arrayBuffer());
  assert.equal(await world.mirror.store.has(digest), false);
});

test('of an index only the platforms asked for are fetched; tags and referrers are upstream’s', async (context) => {
  const world = await openWorld(context);
  const amd64 = await pushImage(world.client, 'amd64', layerOf('a'), 'amd64');
  const arm64 = await pushImage(world.client, 'arm64', layerOf('b'), 'arm64');
  const manifests = [amd64, arm64].map(({ manifest, size }, at) => ({
    mediaType: MediaType.manifest,
    digest: manifest,
    size,
    platform: { os: 'linux', architecture: at === 0 ? 'amd64' : 'arm64' },
  }));
  const bytes = serialize({ schemaVersion: 2, mediaType: MediaType.index, manifests });
  await world.client.pushManifest('team/app', 'all', { bytes, mediaType: MediaType.index });
  const empty = await pushBlob(world.client, 'team/app', Buffer.from('{}'));
  const referrer = serialize({
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    artifactType: 'application/x-note',
    config: { mediaType: MediaType.empty, digest: empty, size: 2 },
    layers: [],
    subject: { mediaType: MediaType.index, digest: digestOf(bytes), size: bytes.length },
  });
  await world.client.pushManifest('team/app', digestOf(referrer), { bytes: referrer, mediaType: MediaType.manifest });

  const base = `${world.mirror.url}/v2/hub/app`;
  assert.equal((await ask(`${base}/manifests/all`)).headers.get('docker-content-digest'), digestOf(bytes));
  assert.equal((await ask(`${base}/manifests/${amd64.manifest}`)).status, 200);
  assert.equal(await world.mirror.catalogue.resolve('hub/app', arm64.manifest), undefined);
  assert.deepEqual(await (await ask(`${base}/tags/list?n=2`)).json(), { name: 'hub/app', tags: ['all', 'amd64'] });
  const referrers = (await (await ask(`${base}/referrers/${digestOf(bytes)}`)).json()) as {
    manifests: { digest: string }[];
  };
  assert.deepEqual(
    referrers.manifests.map(({ digest }) => digest),
    [digestOf(referrer)],
  );
});

test('a mirror takes no pushes, and serves no blob that upstream’s repository lacks', async (context) => {
  const world = await openWorld(context);
  await pushImage(world.client, 'v1', layerOf('a'));
  const secret = await pushBlob(createRegistryClient(world.mirror.host), 'own/secret', Buffer.from('secret'));
  const base = `${world.mirror.url}/v2/hub/app`;
  assert.equal((await ask(`${base}/blobs/${secret}`)).status, 404);
  for (const [method, path] of [
    ['POST', 'blobs/uploads/'],
    ['PUT', 'manifests/v9'],
  ]) {
    const answer = await ask(`${base}/${path}`, { method: method ?? '', ...(method === 'PUT' ? { body: '{}' } : {}) });
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /DENIED.*mirrors/);
  }
  assert.equal((await ask(`${base}/manifests/absent`)).status, 404);
});

test('rules that name no registry or the same prefix twice are refused', () => {
  const store = undefined as never;
  const catalogue = createMemoryCatalogue();
  for (const rules of [
    [{ prefix: 'Hub', upstream: 'registry.example.com' }],
    [{ prefix: 'hub', upstream: '' }],
    [{ prefix: 'hub', upstream: 'user@registry.example.com' }],
    [{ prefix: 'hub', upstream: 'registry.example.com/Bad' }],
    [
      { prefix: 'hub', upstream: 'one.example.com' },
      { prefix: 'hub', upstream: 'two.example.com' },
    ],
  ]) {
    assert.throws(() => createMirror({ rules, store, catalogue }), { code: 'REGISTRY_MIRROR_INVALID' });
  }
});
