/**
 * A fleet on a new base: 1,000 children that only add files, each its own, moved from a base to its patched version and
 * published into the registry's catalogue with their events. Reported as milliseconds an image, against the goal.
 */
import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { homeAt } from '../src/base/index.ts';
import { createLayerFactsReader, prepareBase, type RebaseResult, rebase } from '../src/build/index.ts';
import { openDatabase } from '../src/database/index.ts';
import { MediaType, parseReference, type ResolvedImage, serialize, writeLayer } from '../src/oci/index.ts';
import { publishCandidates } from '../src/publish/index.ts';
import { createSqlCatalogue } from '../src/registry/index.ts';
import { openBlobStore } from '../src/storage/index.ts';
import { openImage } from '../src/transport/index.ts';
import { freshHome, HERAKLIT, imageOf, releaseRoot, sh } from './fixtures.ts';

const CHILDREN = 1000;
const PARALLEL = 32;
const BATCH = 100;
const GOAL_MILLISECONDS = 5;
const PACKAGES = [
  ...['python3', 'nginx', 'openssl', 'curl', 'git', 'vim-tiny', 'openssh-client', 'postgresql-client'],
  ...['imagemagick', 'ca-certificates'],
];
const { layout } = imageOf(releaseRoot('bookworm', PACKAGES));
const folder = freshHome();
const home = homeAt(folder);
const patched = `oci:${join(folder, 'out')}:new`;
sh(process.execPath, HERAKLIT, '--home', folder, 'patch', layout, '-o', patched);

const store = await openBlobStore(home.store);
const layers = createLayerFactsReader(join(home.cache, 'facts'));
const base = await openImage(parseReference(layout));
const [oldBase, newBase] = [
  await prepareBase(base, layers),
  await prepareBase(await openImage(parseReference(patched)), layers),
];

async function child(number: number): Promise<ResolvedImage> {
  const content = Buffer.from(`<h1>application ${number}</h1>\n`);
  const owner = { uid: 0, gid: 0, mtime: 1_700_000_000 };
  const path = 'srv/app/index.html';
  const scratch = await store.scratch();
  const items = [{ header: { path, type: 'file' as const, mode: 0o644, size: content.length, ...owner }, content }];
  const written = await writeLayer(items, { compression: 'zstd', sink: scratch.path });
  await scratch.commit(written);
  const config = {
    ...base.config,
    rootfs: { type: 'layers' as const, diff_ids: [...base.config.rootfs.diff_ids, written.diffId] },
  };
  const [stored] = await store.putMany([serialize(config)]);
  const manifest = {
    ...base.manifest,
    config: { mediaType: MediaType.config, digest: base.digest, size: 0, ...stored },
    layers: [...base.manifest.layers, { mediaType: MediaType.layerZstd, digest: written.digest, size: written.size }],
  };
  const manifestBytes = serialize(manifest);
  const [put] = await store.putMany([manifestBytes]);
  return { ...base, ...put, digest: put?.digest ?? base.digest, manifestBytes, manifest, config, blobs: store };
}

const children: ResolvedImage[] = [];
for (let at = 0; at < CHILDREN; at += PARALLEL) {
  children.push(
    ...(await Promise.all(Array.from({ length: Math.min(PARALLEL, CHILDREN - at) }, (_, n) => child(at + n)))),
  );
}

const database = await openDatabase({ kind: 'embedded', directory: home.database });
const publisher = { catalogue: createSqlCatalogue(database), project: 'bench', host: '' };
const publish = (results: readonly RebaseResult[], first: number): Promise<void> =>
  database.transaction((trx) =>
    publishCandidates(
      trx,
      publisher,
      results.map((built, at) => ({
        image: `app-${first + at}`,
        repository: `bench/app-${first + at}`,
        tag: 'dev',
        built,
        previous: undefined,
      })),
    ),
  );

/** Moves and publishes all children, in batches; milliseconds an image. */
async function moveAll(): Promise<{ readonly rebase: number; readonly publish: number }> {
  let [rebasing, publishing] = [0, 0];
  for (let first = 0; first < CHILDREN; first += BATCH) {
    const batch = children.slice(first, first + BATCH);
    const started = performance.now();
    const results: RebaseResult[] = [];
    for (let at = 0; at < batch.length; at += PARALLEL) {
      const some = batch
        .slice(at, at + PARALLEL)
        .map((one) => rebase({ child: one, oldBase, newBase }, { store, layers }));
      results.push(...(await Promise.all(some)));
    }
    const rebased = performance.now();
    await publish(results, first);
    rebasing += rebased - started;
    publishing += performance.now() - rebased;
  }
  return { rebase: rebasing / CHILDREN, publish: publishing / CHILDREN };
}

const { rebase: rebasing, publish: publishing } = await moveAll();
const each = rebasing + publishing;
console.log(
  `${CHILDREN} children rebased and published, their layers read for the first time: ${each.toFixed(2)} ms an image ` +
    `(${rebasing.toFixed(2)} rebase, ${publishing.toFixed(2)} publish), ${(1000 / each).toFixed(0)} images/s, ` +
    `goal ${GOAL_MILLISECONDS} ms${each <= GOAL_MILLISECONDS ? '' : '  MISSED'}; load ${loadavg()[0]?.toFixed(1)}`,
);
await database.close();
rmSync(folder, { recursive: true, force: true });
