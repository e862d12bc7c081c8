import assert from 'node:assert/strict';
import { mkdir, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from 'kysely';
import { type Descriptor, type Digest, digestHex, digestOf } from '../../src/oci/index.ts';
import { isInPart, verifyRegistry } from '../../src/registry/maintenance/verify.ts';
import { auditLayout, readLayoutIndex, setBlobAside } from '../../src/storage/index.ts';
import { type RegistryWorld, registryWorld } from '../support/registry-world.ts';

let world: RegistryWorld;
let directory: string;
before(async () => {
  world = await registryWorld();
  directory = join(world.folder, 'store');
});
beforeEach(() => world.reset());
after(() => world.close());

const verify = (more: Partial<Parameters<typeof verifyRegistry>[0]> = {}) =>
  verifyRegistry({
    database: world.database,
    store: world.store,
    audit: () => auditLayout(directory),
    layout: () => readLayoutIndex(directory),
    setAside: (digest, modified) => setBlobAside(directory, digest, modified),
    ...more,
  });
const kinds = async (): Promise<readonly string[]> => (await verify()).findings.map(({ kind }) => kind).sort();
const pathOf = (digest: Digest): string => world.store.localPath(digest) as string;

async function flip(digest: Digest): Promise<void> {
  const file = await open(pathOf(digest), 'r+');
  await file.write(Buffer.from([(await readFile(pathOf(digest)))[0] === 0x41 ? 0x42 : 0x41]), 0, 1, 0);
  await file.close();
}

async function image(): Promise<Descriptor> {
  const child = await world.image('a/app', 'v1', ['layer one', 'layer two']);
  const index = await world.index('a/app', 'latest', [child]);
  await world.image('a/app', undefined, ['signature'], { subject: index });
  return child;
}

test('a sound registry has no findings', async () => {
  await image();
  const report = await verify();
  assert.deepEqual([report.found, report.manifests, report.leftovers], [0, 3, []]);
  assert.equal(report.hashed.blobs, (await Array.fromAsync(world.store.list())).length);
});

test('a flipped byte is found; --repair puts the blob aside, and a push makes it whole again', async () => {
  await image();
  const digest = digestOf('layer one');
  await flip(digest);
  assert.deepEqual(await kinds(), ['corrupt']);
  assert.ok(await world.store.has(digest));
  const { findings } = await verify({ repair: true });
  const [finding] = findings;
  assert.ok(finding?.kind === 'corrupt' && finding.aside !== undefined);
  assert.equal((await stat(join(directory, finding.aside))).size, 9);
  const after = await verify();
  assert.deepEqual(
    after.findings.map(({ kind }) => kind),
    ['missing'],
  );
  assert.deepEqual(
    after.leftovers.map(({ kind }) => kind),
    ['aside'],
  );
  await world.store.put(Buffer.from('layer one'));
  assert.equal((await verify()).found, 0);
  await rm(join(directory, '.corrupt'), { recursive: true });
});

test('a truncated blob is corrupt and of the wrong size, a truncated manifest too', async () => {
  const manifest = await image();
  await truncate(pathOf(digestOf('layer one')), 3);
  assert.deepEqual(await kinds(), ['corrupt', 'size', 'size']);
  await truncate(pathOf(manifest.digest), 3);
  assert.ok((await kinds()).filter((kind) => kind === 'corrupt').length >= 2);
});

test('a missing layer, config or manifest is found, and who names it', async () => {
  const manifest = await image();
  await world.store.delete(digestOf('layer two'));
  const { findings } = await verify();
  assert.deepEqual(
    findings.map(({ kind, message }) => [kind, message]),
    [['missing', `a/app names it in ${manifest.digest}`]],
  );
  await world.store.delete(manifest.digest);
  const [finding] = (await verify()).findings;
  assert.deepEqual([finding?.kind, finding?.message], ['missing', `a/app serves the manifest ${manifest.digest}`]);
});

test('stray files are found, in the layout and among the blobs; scratch and uploads are listed', async () => {
  await image();
  await writeFile(join(directory, 'notes.txt'), 'hello');
  await writeFile(join(directory, 'blobs/sha256/not-a-digest'), '');
  await mkdir(join(directory, 'blobs/sha256', 'f'.repeat(64)));
  await mkdir(join(directory, 'blobs/md5'));
  const upload = await world.store.uploads.start('a/app');
  const scratch = await world.store.scratch();
  await writeFile(scratch.path, 'half a layer');
  const report = await verify();
  assert.deepEqual(report.findings.map((finding) => finding.kind === 'stray' && finding.path).sort(), [
    'blobs/md5',
    `blobs/sha256/${'f'.repeat(64)}`,
    'blobs/sha256/not-a-digest',
    'notes.txt',
  ]);
  assert.deepEqual(report.leftovers.map(({ kind }) => kind).sort(), ['scratch', 'upload']);
  await scratch.discard();
  await world.store.uploads.cancel('a/app', upload.id);
  await rm(join(directory, 'notes.txt'));
});

test('rows that do not fit the store: wrong sizes, unlinked blobs, manifests that are none', async () => {
  const manifest = await image();
  await sql`update registry_blob set size = 77 where digest = ${digestOf('layer one')}`.execute(world.database.kysely);
  await sql`update registry_manifest set size = 77 where digest = ${manifest.digest}`.execute(world.database.kysely);
  await world.catalogue.unlinkBlob('a/app', digestOf('layer two'));
  const layer = await world.blob('not a manifest');
  await world.catalogue.putManifest({ repository: 'b/app', descriptor: layer, blobs: [], names: [] });
  assert.deepEqual(await kinds(), ['manifest', 'size', 'size', 'unlinked']);
});

test('a broken index.json is found, and one that names what is not there', async () => {
  const file = join(directory, 'index.json');
  const before = await readFile(file, 'utf8');
  const manifest = await image();
  const named = {
    ...JSON.parse(before),
    manifests: [
      { ...manifest, size: 1 },
      { ...manifest, digest: digestOf('no') },
    ],
  };
  await writeFile(file, JSON.stringify(named));
  assert.deepEqual(await kinds(), ['missing', 'size']);
  await writeFile(file, '{');
  assert.deepEqual(await kinds(), ['layout']);
  await writeFile(file, before);
});

test('parts cover every blob once; since leaves old ones out', async () => {
  await image();
  const all = (await Array.fromAsync(world.store.list())).map(({ digest }) => digest);
  const parts = [1, 2, 3].map((number) => all.filter((digest) => isInPart(digest, { number, of: 3 })));
  assert.deepEqual(parts.flat().sort(), all.toSorted());
  const second = await verify({ part: { number: 2, of: 3 } });
  assert.deepEqual([second.hashed.blobs, second.skipped], [parts[1]?.length, all.length - (parts[1]?.length ?? 0)]);
  await flip(digestOf('layer one'));
  await world.age();
  await world.blob('new');
  const recent = await verify({ since: Date.now() - 3_600_000 });
  assert.deepEqual([recent.found, recent.hashed.blobs], [0, 1]);
  assert.equal(digestHex(digestOf('new')).length, 64);
});
