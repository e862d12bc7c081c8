/** Steps of one build taken over by the next, through a registry, by every builder. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import { type Builder, createBuildah, createBuildKit } from '../../src/build/index.ts';
import { registrySource } from '../../src/crawl/index.ts';
import { indexLayer, type ResolvedImage } from '../../src/oci/index.ts';
import { createRegistryClient } from '../../src/registry/index.ts';
import { newerTool, newerToolsPath } from '../support/newer-tools.ts';
import { openRebuildWorld, openRepository } from '../support/rebuild-world.ts';
import { startRegistry } from './registry-process.ts';

async function stepsAreTakenOver(context: TestContext, builder: Builder): Promise<void> {
  const world = await openRebuildWorld(context);
  if (world === undefined) return;
  const registry = await startRegistry();
  context.after(() => registry.close());
  const client = createRegistryClient(registry.host, { insecure: true });
  context.after(() => client.close());
  const { origin } = await openRepository(context, ({ url }, response) => response.end(`content of ${url}\n`));
  const folder = await world.context('app', {
    Dockerfile: [
      `FROM ${world.base}`,
      // What the password of the cache is kept from.
      `RUN wget -q -O /fetched ${origin}/pool/a.deb && echo "ran the long step" && cat /proc/sys/kernel/random/uuid > /once`,
      'COPY word /word',
      'RUN (env -u http_proxy wget -O /leak http://127.0.0.1:3128/v2/cache/tags/list || true) 2> /answer; cat /answer | grep -c 401 > /refused; echo end',
    ].join('\n'),
    word: 'one',
  });
  const place = { client, repository: 'app/buildcache' };
  const build = async (mode: 'auto' | 'locked' | 'update', cache: object = { from: [place], to: place }) => {
    world.lines.length = 0;
    const built = await world.build(folder, {
      mode,
      builder,
      epoch: 1_700_000_000,
      cache: { from: [], ...cache },
      allowed: [origin],
    });
    return {
      ...built,
      ran: world.lines.some((line) => /(?<!echo ")ran the long step(?!")/.test(line)),
      said: [...world.lines],
    };
  };
  const first = await build('auto');
  assert.ok(first.ran, first.said.join('\n'));
  const tags = await client.tags('app/buildcache');
  assert.ok(tags.length > 0);
  // Another machine: another home, nothing but the lock and the registry.
  await rm(world.home, { recursive: true });
  const second = await build('locked');
  assert.ok(!second.ran, second.said.join('\n'));
  assert.equal(second.image.digest, first.image.digest);
  const files = await filesOf(second.image);
  assert.equal(files.get('refused'), '1\n', 'a step has no way into the cache');
  const once = files.get('once');

  // Another context: the step below what changed is taken over.
  await world.context('app', { word: 'two' });
  const third = await filesOf((await build('locked')).image);
  assert.deepEqual([third.get('word'), third.get('once')], ['two', once]);
  assert.notEqual(
    (await filesOf((await build('locked', {})).image)).get('once'),
    once,
    'without the cache it runs again',
  );

  // Another lock has a cache of its own: packages that are locked anew cannot come from before.
  const updated = await build('update');
  assert.ok(updated.ran);
  assert.notEqual((await filesOf(updated.image)).get('once'), once);
  for (const tag of await client.tags('app/buildcache')) {
    const { bytes } = await client.manifest('app/buildcache', tag);
    const { annotations } = JSON.parse(bytes.toString()) as { annotations: Record<string, string> };
    assert.match(annotations['io.heraklit.buildcache'] ?? '', /^[0-9a-f]{24}$/);
  }

  const source = registrySource({ registry: registry.host, client: { insecure: true } });
  assert.deepEqual(
    await Array.fromAsync(source.find(AbortSignal.timeout(60_000))),
    [],
    'none of them is an image to watch',
  );
  await source.close();

  // A registry that is not there costs nothing but time; a secret in a stage that is thrown away stays here.
  const gone = createRegistryClient('127.0.0.1:9', { insecure: true, retry: { attempts: 1, delay: 1 } });
  const nowhere = { client: gone, repository: 'x' };
  await build('update', { from: [nowhere], to: nowhere });
  const secret = join(world.folder, 'token');
  await writeFile(secret, 'correct-horse-battery-staple');
  const leaking = await world.context('leaking', {
    Dockerfile: `FROM ${world.base} AS one\nRUN --mount=type=secret,id=token cat /run/secrets/token > /kept\nFROM ${world.base}\nCOPY --from=one /bin/busybox /other`,
  });
  const before = await client.tags('app/buildcache');
  const secrets = [{ id: 'token', source: secret }];
  await assert.rejects(world.build(leaking, { builder, secrets, cache: { from: [], to: place } }), (error) =>
    isHeraklitError(error, 'REBUILD_SECRET_KEPT'),
  );
  assert.deepEqual(await client.tags('app/buildcache'), before);
}

/** Path → content of what layers above the base add. */
async function filesOf(image: ResolvedImage): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const { digest, mediaType } of image.manifest.layers.slice(1)) {
    const { index, captured } = await indexLayer(await image.blobs.open(digest), mediaType, { capture: () => true });
    for (const { path } of index.entries) files.set(path, Buffer.from(captured.get(path) ?? []).toString());
  }
  return files;
}

test('Buildah: steps come from the registry on a machine that has none', (context) =>
  stepsAreTakenOver(context, createBuildah()));

test('BuildKit: steps come from the registry on a machine that has none', async (context) => {
  if (newerTool('dockerd') === undefined) return context.skip('docker.io of trixie not unpacked');
  await stepsAreTakenOver(context, createBuildKit(`${newerToolsPath}:${process.env.PATH}`));
});
