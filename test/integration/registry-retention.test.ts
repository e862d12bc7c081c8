import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from 'kysely';
import { neededImages, runningReferences } from '../../src/engine/index.ts';
import { type Digest, digestOf } from '../../src/oci/index.ts';
import { checkStillThere } from '../../src/registry/catalogue/still-has.ts';
import { withoutHost } from '../../src/registry/retention/load.ts';
import { applyRetention } from '../../src/registry/retention/retain.ts';
import type { RetentionRule } from '../../src/registry/retention/rules.ts';
import { type RegistryWorld, registryWorld } from '../support/registry-world.ts';

let world: RegistryWorld;
before(async () => {
  world = await registryWorld();
});
beforeEach(async () => {
  await world.reset();
  for (const table of ['workload', 'fleet_image'] as const) await world.database.kysely.deleteFrom(table).execute();
});
after(() => world.close());

const retain = (
  rule: Partial<RetentionRule>,
  dryRun = false,
  decided?: Parameters<typeof applyRetention>[0]['decided'],
) =>
  applyRetention({
    database: world.database,
    store: world.store,
    rules: [{ repositories: 'shop/*', ...rule }],
    needed: neededImages,
    running: runningReferences,
    dryRun,
    ...(decided === undefined ? {} : { decided }),
  });
const tags = async (repository = 'shop/web') => (await world.catalogue.tags(repository, { n: 100 })) ?? [];
const age = (repository: string, tag: string, days: number) =>
  sql`update registry_tag t set updated = now() - ${`${days} days`}::interval from registry_repository r
    where r.id = t.repository and r.name = ${repository} and t.name = ${tag}`.execute(world.database.kysely);
const removals = async () =>
  (
    await world.database.kysely.selectFrom('outbox').select(['type', 'subject', 'data']).orderBy('sequence').execute()
  ).map(({ type, subject }) => `${type.replace('io.heraklit.registry.', '')} ${subject}`);

test('tags go by age with their manifests and referrers, each with an event; other repositories are left alone', async () => {
  for (const [name, days] of [
    ['v1', 90],
    ['v2', 60],
    ['v3', 1],
  ] as const) {
    await world.image('shop/web', name, [name]);
    await world.image('other/web', name, [name]);
    await age('shop/web', name, days);
    await age('other/web', name, days);
  }
  const old = await world.catalogue.resolve('shop/web', 'v1');
  assert.ok(old);
  const sbom = await world.image('shop/web', undefined, ['sbom'], { subject: old });
  const dry = await retain({ newest: 1 }, true);
  assert.deepEqual(dry.removed, { tags: 2, manifests: 3 });
  assert.deepEqual(await tags(), ['v1', 'v2', 'v3']);
  const real = await retain({ newest: 1 });
  assert.deepEqual([real.removed, real.kept, real.repositories], [dry.removed, 1, 1]);
  assert.deepEqual(await tags(), ['v3']);
  assert.deepEqual(await tags('other/web'), ['v1', 'v2', 'v3']);
  assert.equal(await world.catalogue.resolve('shop/web', sbom.digest), undefined);
  const events = await removals();
  assert.deepEqual(events.slice(0, 2), ['tag.removed shop/web:v1', 'tag.removed shop/web:v2']);
  assert.equal(events.filter((event) => event.startsWith('manifest.removed shop/web@')).length, 3);
  assert.deepEqual((await retain({ newest: 1 })).removed, { tags: 0, manifests: 0 });
});

test('what workloads run and the fleet released stays, by digest and by configured reference', async () => {
  const [running, released] = [
    await world.image('shop/web', 'run', ['a']),
    await world.image('shop/web', 'rel', ['b']),
  ];
  await world.image('shop/web', 'configured', ['c']);
  await world.image('shop/web', 'old', ['d']);
  const workload = { container: 'c', runtime: 'podman', kind: 'Container', namespace: '', name: 'n', replicas: 1 };
  await world.database.kysely
    .insertInto('workload')
    .values([
      { ...workload, id: '1', image: 'whatever', digest: running.digest, seen: new Date() },
      { ...workload, id: '2', image: 'registry.example.com:5000/shop/web:configured', digest: null, seen: new Date() },
    ])
    .execute();
  await sql`insert into fleet_image (name, repository, tag, digest, fleet)
    values ('web', 'shop/web', 'rel', ${released.digest}, 'fleet')`.execute(world.database.kysely);
  const why = new Map<string, readonly string[]>();
  await retain({}, false, (decision) => {
    for (const { name, reasons } of decision.tags) why.set(name, reasons);
  });
  assert.deepEqual(await tags(), ['configured', 'rel', 'run']);
  assert.deepEqual([why.get('run'), why.get('rel'), why.get('configured')], [['running'], ['released'], ['running']]);
  assert.equal(withoutHost('shop/web'), 'shop/web:latest');
  assert.equal(withoutHost('localhost/shop/web:v1'), 'shop/web:v1');
});

test('what is pushed or moved while it is decided stays', async () => {
  await world.image('shop/web', 'v1', ['one']);
  const child = await world.image('shop/web', 'v2', ['two']);
  await age('shop/web', 'v1', 90);
  await age('shop/web', 'v2', 90);
  const { removed } = await retain({}, false, async () => {
    await world.image('shop/web', 'v1', ['newer']);
    await world.index('shop/web', 'both', [child]);
  });
  // v1 moved, so only what it named before goes; v2 loses its tag, and an index names its manifest now.
  assert.deepEqual(removed, { tags: 1, manifests: 1 });
  assert.deepEqual(await tags(), ['both', 'v1']);
  assert.ok(await world.catalogue.resolve('shop/web', child.digest));
});

test('an index cannot be published over a child that retention took after the push was checked', async () => {
  const child = await world.image('shop/web', undefined, ['child']);
  const open = (digest: Digest) =>
    world.database.transaction((trx) => checkStillThere(trx, 'shop/web', [child.digest, digest]));
  await open(child.digest);
  await assert.rejects(open(digestOf('gone')), { code: 'REGISTRY_MANIFEST_BLOB_UNKNOWN' });
});
