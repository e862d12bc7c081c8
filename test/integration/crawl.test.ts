import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, type TestContext, test } from 'node:test';
import { silentProgress } from '../../src/base/index.ts';
import {
  type CrawlSource,
  crawl,
  engineSource,
  folderSource,
  registrySource,
  workloadSource,
} from '../../src/crawl/index.ts';
import { openDatabase } from '../../src/database/index.ts';
import { memoryLayerCache } from '../../src/inventory/index.ts';
import { whereIs } from '../../src/inventory/store/index.ts';
import { type Digest, digestOf, MediaType, parseReference } from '../../src/oci/index.ts';
import { createRegistryClient } from '../../src/registry/index.ts';
import { createEngineRuntime, type Workload, type WorkloadRuntime } from '../../src/runtime/index.ts';
import { saveImage } from '../../src/transport/index.ts';
import { run } from '../support/debian-image.ts';
import { isMissing, storageBelow, unmountStorage } from '../support/engine-tools.ts';
import { type SmallFiles, smallImage } from '../support/small-image.ts';
import { startRegistry } from './registry-process.ts';

const status = (name: string, version: string): SmallFiles => ({
  'etc/os-release': 'ID=debian\nVERSION_ID="13"\n',
  'var/lib/dpkg/status': `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\n\n`,
});

interface World {
  readonly folder: string;
  readonly run: (source: CrawlSource, signal?: AbortSignal) => ReturnType<typeof crawl>;
  /** Names of images that have the package now. */
  readonly having: (name: string) => Promise<readonly string[]>;
}

// One for all: each test has package names of its own, and making a database takes longer than any of them.
const home = await mkdtemp(join(tmpdir(), 'crawl-database-'));
const database = await openDatabase({ kind: 'embedded', directory: join(home, 'database') });
after(async () => {
  await database.close();
  await rm(home, { recursive: true, force: true });
});

async function openWorld(context: TestContext): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'crawl-'));
  const layerCache = memoryLayerCache();
  context.after(() => rm(folder, { recursive: true, force: true }));
  return {
    folder,
    run: async (source, signal = new AbortController().signal) => {
      try {
        const options = {
          database,
          layerCache,
          signal,
          progress: silentProgress,
          concurrency: 3,
          now: () => new Date(),
        };
        return await crawl(source, options);
      } finally {
        await source.close();
      }
    },
    having: async (name) => {
      const { rows } = await whereIs(database.kysely, { package: name, limit: 100 });
      return rows.flatMap((row) => row.reference ?? []).sort();
    },
  };
}

async function push(folder: string, reference: string, layers: readonly SmallFiles[]): Promise<Digest> {
  const image = await smallImage(folder, reference.replaceAll(/[^a-z0-9]/g, '-'), layers);
  try {
    await saveImage(image, parseReference(reference));
    return image.digest;
  } finally {
    await image.close();
  }
}

test('a registry: all tags, layers once, unchanged names by digest alone, what is gone ends', async (context) => {
  const asked: string[] = [];
  const registry = await startRegistry({
    authorize: async ({ method, url }) => void asked.push(`${method} ${url}`),
  });
  context.after(() => registry.close());
  const world = await openWorld(context);
  const { host } = registry;
  const base = status('libx', '1');
  for (let at = 0; at < 12; at += 1)
    await push(world.folder, `${host}/team/app${at % 3}:v${at}`, [base, { [`f${at}`]: 'x' }]);
  await push(world.folder, `${host}/other/tool:v1`, [status('tool', '2')]);
  const client = createRegistryClient(host);
  context.after(() => client.close());
  // A chart: a manifest whose config is no image's.
  const config = Buffer.from('{}');
  const chart = {
    mediaType: 'application/vnd.cncf.helm.config.v1+json',
    digest: digestOf(config),
    size: config.length,
  };
  await client.pushBlob('other/tool', { ...chart, open: async () => Readable.from([config]) });
  const manifest = { schemaVersion: 2, mediaType: MediaType.manifest, config: chart, layers: [] };
  const bytes = Buffer.from(JSON.stringify(manifest));
  await client.pushManifest('other/tool', 'chart', { bytes, mediaType: MediaType.manifest });
  asked.length = 0;
  const first = await world.run(registrySource({ registry: host }));
  assert.deepEqual(
    { ...first, failures: first.failures.length },
    {
      ...{ source: `registry:${host}`, listed: 14, unchanged: 0, known: 0, read: 13, ended: 0, skipped: 1 },
      ...{ failures: 0, complete: true },
    },
  );
  const blobs = asked
    .filter((line) => line.startsWith('GET') && line.includes('/blobs/'))
    .map((line) => line.split('/blobs/')[1]);
  assert.equal(new Set(blobs).size, blobs.length, 'no blob is fetched twice');
  assert.equal((await world.having('libx')).length, 12);

  asked.length = 0;
  const second = await world.run(registrySource({ registry: host }));
  assert.deepEqual([second.unchanged, second.read], [13, 0]);
  const read = asked.filter((line) => /GET .*\/(?:blobs|manifests)\//.test(line));
  assert.ok(
    read.every((line) => line.includes('/other/tool/')),
    'only lists and digests are asked for, and the chart again',
  );

  await push(world.folder, `${host}/team/app0:v0`, [base, { new: 'y' }]);
  await client.deleteManifest('team/app1', 'v1');
  const narrow = await world.run(registrySource({ registry: host, repositories: ['other/*'], tags: ['v*'] }));
  assert.deepEqual([narrow.listed, narrow.ended], [1, 0], 'what it leaves out is not gone');
  const third = await world.run(registrySource({ registry: host }));
  assert.deepEqual([third.listed, third.unchanged, third.read, third.ended], [13, 11, 1, 1]);
  assert.ok(!(await world.having('libx')).includes(`${host}/team/app1:v1`));
});

test('an image recorded before usage was told is looked at once more, its layers not fetched again', async (context) => {
  const asked: string[] = [];
  const registry = await startRegistry({ authorize: async ({ url }) => void asked.push(url) });
  context.after(() => registry.close());
  const world = await openWorld(context);
  const { host } = registry;
  const digests: Digest[] = [];
  for (const at of [1, 2]) digests.push(await push(world.folder, `${host}/told:v${at}`, [status('told', `${at}`)]));
  await world.run(registrySource({ registry: host }));
  await database.kysely
    .deleteFrom('image_usage')
    .where('image', 'in', (from) =>
      from
        .selectFrom('image')
        .select('id')
        .where('digest', '=', digests[0] as Digest),
    )
    .execute();
  asked.length = 0;
  const again = await world.run(registrySource({ registry: host }));
  assert.deepEqual([again.read, again.unchanged], [1, 1]);
  const blobs = new Set(asked.filter((url) => url.includes('/blobs/')));
  assert.ok(blobs.size <= 1, `the configuration alone: ${[...blobs].join(' ')}`);
  const { rows } = await whereIs(database.kysely, { package: 'told' });
  assert.deepEqual(
    rows.map(({ usage }) => usage),
    ['contained', 'contained'],
  );
  assert.equal((await world.run(registrySource({ registry: host }))).unchanged, 2);
});

test('interrupted, a crawl keeps what it recorded; the next one goes on', async (context) => {
  const registry = await startRegistry({});
  context.after(() => registry.close());
  const world = await openWorld(context);
  for (let at = 0; at < 6; at += 1)
    await push(world.folder, `${registry.host}/app:v${at}`, [status('interrupted', String(at))]);
  const stop = new AbortController();
  const source = registrySource({ registry: registry.host });
  let seen = 0;
  const stopping: CrawlSource = {
    ...source,
    async *find(signal) {
      for await (const found of source.find(signal)) {
        if (seen === 4) stop.abort();
        seen += 1;
        yield found;
      }
    },
  };
  await assert.rejects(world.run(stopping, stop.signal), { name: 'AbortError' });
  const recorded = (await world.having('interrupted')).length;
  assert.ok(recorded > 0 && recorded < 6, `${recorded} were recorded`);
  const next = await world.run(registrySource({ registry: registry.host }));
  assert.deepEqual([next.unchanged, next.read], [recorded, 6 - recorded]);
});

test('an image that is damaged fails alone, what is no image is passed over', async (context) => {
  const world = await openWorld(context);
  const layouts = join(world.folder, 'layouts');
  await mkdir(layouts, { recursive: true });
  await (await smallImage(join(layouts, 'a'), 'good', [status('damaged', '1')])).close();
  await (await smallImage(join(layouts, 'b'), 'bad', [{ x: 'y' }])).close();
  await mkdir(join(layouts, 'c'));
  await writeFile(join(layouts, 'c', 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layouts, 'c', 'index.json'), '{');
  const { readdir } = await import('node:fs/promises');
  const blobs = join(layouts, 'b', 'bad', 'blobs', 'sha256');
  for (const name of await readdir(blobs)) await rm(join(blobs, name));
  const report = await world.run(folderSource(layouts));
  assert.deepEqual([report.read, report.failures.length, report.complete], [1, 2, false]);
  assert.deepEqual(report.failures.map(({ code }) => code).sort(), ['BLOB_MISSING', 'STORAGE_LAYOUT_INVALID']);
  assert.equal((await world.having('damaged')).length, 1);
  await assert.rejects(world.run(folderSource(join(layouts, 'nowhere'))), { code: 'CRAWL_SOURCE_INVALID' });
});

test('a cluster: the digest that runs, whatever the tag means by now; short names are Docker Hub’s', async (context) => {
  const registry = await startRegistry({});
  context.after(() => registry.close());
  const world = await openWorld(context);
  const running = await push(world.folder, `${registry.host}/app:v1`, [status('running', '1')]);
  await push(world.folder, `${registry.host}/app:v1`, [status('running', '2')]);
  const workload = (name: string, image: string, digest: Digest | undefined): Workload => ({
    ...{ id: `kubernetes:c/shop/Deployment/${name}`, kind: 'Deployment', name, namespace: 'shop', image, digest },
    ...{ containers: [{ name, image, digest }], replicas: 1 },
  });
  const runtime = {
    name: 'kubernetes',
    list: async () => [
      workload('web', `${registry.host}/app:v1`, running),
      workload('again', `${registry.host}/app:v1`, running),
      workload('id', `sha256:${'a'.repeat(64)}`, undefined),
    ],
    close: async () => {},
  } as unknown as WorkloadRuntime;
  const report = await world.run(workloadSource(runtime, { name: 'kubernetes:c', whole: true }));
  assert.deepEqual([report.listed, report.read, report.skipped], [1, 1, 1]);
  const { rows } = await whereIs(database.kysely, { package: 'running', limit: 10 });
  assert.deepEqual(
    rows.map(({ version, reference }) => [version, reference]),
    [['1', `${registry.host}/app:v1`]],
  );
});

test('podman: its images, exported by itself, recorded by the digest they were pulled by', async (context) => {
  if (isMissing(context, 'podman')) return;
  const registry = await startRegistry({});
  context.after(() => registry.close());
  const world = await openWorld(context);
  const digest = await push(world.folder, `${registry.host}/app:v1`, [status('pulled', '1')]);
  const storage = await mkdtemp(join(tmpdir(), 'crawl-podman-'));
  const global = storageBelow(storage);
  context.after(async () => {
    unmountStorage(storage);
    await rm(storage, { recursive: true, force: true });
  });
  await run('podman', [...global, 'pull', '--tls-verify=false', `${registry.host}/app:v1`]);
  const open = () => engineSource(createEngineRuntime({ engineArguments: global }), world.folder);
  const report = await world.run(open());
  assert.deepEqual([report.listed, report.read, report.failures], [1, 1, []]);
  const { rows } = await whereIs(database.kysely, { package: 'pulled', limit: 10 });
  assert.deepEqual(
    rows.map((row) => [row.reference, row.digest]),
    [[`${registry.host}/app:v1`, digest]],
  );
  assert.equal((await world.run(open())).unchanged, 1);
});
