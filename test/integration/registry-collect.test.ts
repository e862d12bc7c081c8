import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from 'kysely';
import { type Digest, digestOf, MediaType } from '../../src/oci/index.ts';
import { collectGarbage, MIN_GRACE } from '../../src/registry/maintenance/collect.ts';
import type { NeededImages } from '../../src/registry/maintenance/needed.ts';
import { RENEW_AFTER, relyOn, type StoredBlob } from '../../src/storage/index.ts';
import { type RegistryWorld, registryWorld } from '../support/registry-world.ts';

let world: RegistryWorld;
before(async () => {
  world = await registryWorld();
});
beforeEach(() => world.reset());
after(() => world.close());

const collect = (more: Partial<Parameters<typeof collectGarbage>[0]> = {}) =>
  collectGarbage({ database: world.database, store: world.store, ...more });

test('what a manifest names stays: config, layers, children, subjects, across repositories', async () => {
  const shared = await world.image('a/app', 'v1', ['shared', 'only a']);
  const child = await world.image('b/app', undefined, ['shared', 'child layer']);
  const index = await world.index('b/app', 'v1', [child]);
  const signature = await world.image('b/app', undefined, ['signature'], { subject: index });
  const junk = await world.blob('junk');
  await world.age();
  const report = await collect();
  assert.deepEqual(report.freed, { blobs: 1, bytes: 4 });
  assert.equal(await world.has(junk), false);
  for (const kept of [shared, child, index, signature]) assert.ok(await world.has(kept));
  for (const layer of ['shared', 'only a', 'child layer', 'signature']) {
    assert.ok(await world.store.has(digestOf(layer)), layer);
  }
  assert.equal(report.manifests, 4);
  assert.equal(report.looked.blobs, report.freed.blobs + report.kept.named.blobs + report.kept.manifest.blobs);
});

test('a dry run tells exactly what the real run then frees, and changes nothing', async () => {
  await world.image('a/app', 'v1', ['kept']);
  const gone = await world.image('a/app', 'v2', ['gone 1', 'gone 2']);
  await world.age();
  await world.catalogue.deleteManifest('a/app', gone.digest);
  const told: StoredBlob[] = [];
  const dry = await collect({ dryRun: true, freed: (page) => told.push(...page) });
  assert.ok(await world.has(gone));
  const freed: StoredBlob[] = [];
  const real = await collect({ freed: (page) => freed.push(...page) });
  assert.deepEqual(freed, told);
  assert.deepEqual(real.freed, dry.freed);
  assert.deepEqual(
    freed.map(({ digest }) => digest).sort(),
    [
      ...new Set([gone.digest, digestOf('gone 1'), digestOf('gone 2'), digestOf('{"config":["gone 1","gone 2"]}')]),
    ].sort(),
  );
  assert.equal(real.links, 3);
  const again = await collect();
  assert.deepEqual([again.freed.blobs, again.links], [0, 0]);
});

test('what somebody may count on stays: fresh blobs, fresh links, blobs of pushes that take their time', async () => {
  const fresh = await world.blob('just uploaded');
  const [linked, told, reused] = [await world.blob('mounted'), await world.blob('told'), await world.blob('reused')];
  await world.catalogue.linkBlob('a/app', told.digest);
  await world.age([linked.digest, told.digest, reused.digest]);
  await world.catalogue.linkBlob('a/app', linked.digest);
  assert.equal(await relyOn(world.store, told.digest), 4);
  assert.ok(await world.catalogue.hasBlob('a/app', told.digest));
  assert.equal(await relyOn(world.store, reused.digest), 6);
  const report = await collect();
  assert.equal(report.freed.blobs, 0);
  for (const blob of [fresh, linked, told, reused]) assert.ok(await world.has(blob));
  assert.ok(await world.catalogue.hasBlob('a/app', told.digest));
  await world.age();
  assert.equal((await collect()).freed.blobs, 4);
  assert.equal(await world.catalogue.hasBlob('a/app', told.digest), false);
});

test('a push that comes between mark and sweep wins, though it told nobody before', async () => {
  const old = await world.blob('layer of a push without HEAD');
  const more = await world.blob('junk');
  await world.age();
  const descriptor = { mediaType: MediaType.manifest, digest: digestOf('manifest'), size: 8 };
  const push = { repository: 'late/app', descriptor, blobs: [], names: [old] };
  // Pinned images are looked at last before the sweep.
  const store = {
    ...world.store,
    stat: async (digest: Digest) => {
      await world.catalogue.putManifest(push);
      return world.store.stat(digest);
    },
  };
  const report = await collect({ store, pinned: [digestOf('absent')] });
  assert.deepEqual([report.freed.blobs, report.kept.meanwhile.blobs], [1, 1]);
  assert.ok(await world.has(old));
  assert.equal(await world.has(more), false);
});

test('manifests published without names are read; one that cannot be read keeps what its repository has', async () => {
  const good = await world.image('a/app', 'v1', ['good layer']);
  const bad = await world.image('b/app', 'v1', ['bad layer']);
  const junk = await world.blob('junk');
  await sql`update registry_manifest set names = null`.execute(world.database.kysely);
  await truncate(world.store.localPath(bad.digest) as string, 10);
  await world.age();
  const report = await collect();
  assert.deepEqual(
    report.unreadable.map(({ digest }) => digest),
    [bad.digest],
  );
  assert.equal(report.kept.uncertain.blobs, 2);
  assert.equal(await world.has(junk), false);
  assert.ok(await world.has(good));
  for (const layer of ['good layer', 'bad layer']) assert.ok(await world.store.has(digestOf(layer)));
});

test('images the fleet counts on stay whole, also where no repository has them', async () => {
  const base = await world.image('tmp/base', 'v1', ['base layer']);
  const children = await world.index('tmp/index', 'v1', [await world.image('tmp/index', undefined, ['in the index'])]);
  const pinned = await world.image('tmp/pinned', 'v1', ['pinned layer']);
  await sql`delete from registry_repository`.execute(world.database.kysely);
  await world.age();
  const needed = sql`select ${base.digest} as digest, 'base' as reason
    union all select ${children.digest}, 'released'` as NeededImages;
  const report = await collect({ needed, pinned: [pinned.digest] });
  assert.equal(report.freed.blobs, 0);
  for (const layer of ['base layer', 'in the index', 'pinned layer']) assert.ok(await world.store.has(digestOf(layer)));
  assert.ok((await collect()).freed.blobs >= 9);
});

test('links that no manifest of their repository names go when they are old, though the blob is needed elsewhere', async () => {
  await world.image('a/app', 'v1', ['shared']);
  await world.catalogue.linkBlob('b/app', digestOf('shared'));
  await world.age();
  assert.equal((await collect({ dryRun: true })).links, 1);
  assert.ok(await world.catalogue.hasBlob('a/app', digestOf('shared')));
  await world.age();
  assert.equal((await collect()).links, 1);
  assert.equal(await world.catalogue.hasBlob('b/app', digestOf('shared')), false);
  assert.ok(await world.catalogue.hasBlob('a/app', digestOf('shared')));
});

test('links without a blob, as a killed collection leaves them, are taken by the next; foreign files stay', async () => {
  await world.catalogue.linkBlob('a/app', digestOf('never stored'));
  await sql`update registry_blob set touched = now() - interval '3 days'`.execute(world.database.kysely);
  await writeFile(`${world.folder}/store/blobs/sha256/README`, 'not a blob');
  const report = await collect();
  assert.deepEqual([report.links, report.looked.blobs], [1, 0]);
});

test('a grace that is too short is refused', async () => {
  assert.equal(MIN_GRACE, 2 * RENEW_AFTER);
  await assert.rejects(collect({ grace: 60_000 }), { code: 'REGISTRY_GRACE_INVALID' });
});

test('a run leaves an event with what it did, a dry run leaves none', async () => {
  await world.blob('junk');
  await world.age();
  await collect({ dryRun: true });
  await collect();
  const events = await world.database.kysely.selectFrom('outbox').selectAll().execute();
  assert.deepEqual(
    events.map(({ type }) => type),
    ['io.heraklit.registry.collected'],
  );
  assert.equal(JSON.parse(events[0]?.data ?? '{}').freed.blobs, 1);
});
