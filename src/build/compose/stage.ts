import { createHash } from 'node:crypto';
import { type BufferedTarEntry, readTarBuffer } from '../../archive/index.ts';
import { writeStatus } from '../../distro/index.ts';
import type { LayerItem } from '../../oci/index.ts';
import { type DatabaseFiles, STATUS_PATH, stanzasWith } from './database.ts';
import type { StoredLayer } from './group-layer.ts';
import { PACKAGE_FORMAT } from './package-record.ts';
import { plainStoredLayer, SCRIPTS_FORMAT, type ScriptsInput, type ScriptsResult } from './scripts.ts';
import { databaseDiffers, filesDiffer, stateDigests } from './stage-compare.ts';
import { keepStage, readStage, type StageLayer, type StageRecord } from './stage-record.ts';
import { stageShape } from './stage-shape.ts';
import type { ComposeRequest } from './types.ts';

export type Reuse =
  | { readonly kind: 'reused'; readonly changes: readonly LayerItem[]; readonly explanation: string }
  | { readonly kind: 'again'; readonly why: string };

/** Builds that one another's runs can serve: the same packages, in whatever version, on the same base. */
function familyOf(request: ComposeRequest, input: ScriptsInput): string {
  return createHash('sha256')
    .update(
      JSON.stringify([
        [SCRIPTS_FORMAT, PACKAGE_FORMAT, request.architecture, process.arch],
        request.base?.image.manifest.layers.map(({ digest }) => digest) ?? [],
        input.added.map(({ name, architecture }) => [name, architecture]),
      ]),
    )
    .digest('hex');
}

const layersOf = (layers: readonly StoredLayer[]): readonly StageLayer[] =>
  layers.map(({ descriptor: { digest, mediaType }, uncompressed }) => ({ digest, mediaType, uncompressed }));

/** dpkg's database after all packages are configured. */
function finalStatus(database: DatabaseFiles, input: ScriptsInput): Buffer {
  return writeStatus(stanzasWith(database, input.added, 'installed'));
}

/** Notes what a run read and changed, for builds with other versions of the same packages. */
export async function keepRun(request: ComposeRequest, input: ScriptsInput, result: ScriptsResult): Promise<void> {
  const status = result.changes.find(({ header }) => header.path === STATUS_PATH)?.content as Buffer | undefined;
  const isForeseen = status?.equals(finalStatus(input.database, input)) === true;
  const record: StageRecord = {
    layers: layersOf(input.layers),
    packages: packagesOf(input),
    shape: stageShape(input.database, input.added),
    state: stateDigests(input.state),
    reads: [...result.reads].filter((path) => path !== STATUS_PATH),
    queried: result.queried,
    unfit: isForeseen ? result.unfit : 'dpkg wrote another database than was foreseen',
  };
  await keepStage(request.cache, familyOf(request, input), { record, changes: result.changes });
}

const packagesOf = (input: ScriptsInput): Readonly<Record<string, string>> =>
  Object.fromEntries(input.added.map(({ name, architecture, sha256 }) => [`${name}:${architecture}`, sha256]));

/** Takes over what the scripts did when they last ran for these packages, if they would do the same now. */
export async function reuseRun(request: ComposeRequest, input: ScriptsInput): Promise<Reuse> {
  const family = familyOf(request, input);
  const stage = await readStage(request.cache, family);
  if (stage === undefined) return { kind: 'again', why: 'they never ran for this set of packages' };
  const { record } = stage;
  const packages = packagesOf(input);
  const changed = Object.keys(packages).filter((name) => packages[name] !== record.packages[name]);
  const now = { shape: stageShape(input.database, input.added), state: stateDigests(input.state), changed };
  const why = databaseDiffers(record, now) ?? (await layersDiffer(request, record, input));
  if (why !== undefined) return { kind: 'again', why };
  const status = finalStatus(input.database, input);
  const changes = stage.changes.map((item) =>
    item.header.path === STATUS_PATH ? { header: { ...item.header, size: status.length }, content: status } : item,
  );
  await keepStage(request.cache, family, {
    record: { ...record, layers: layersOf(input.layers), packages, shape: now.shape, state: now.state },
    changes,
  });
  const names = changed.map((name) => name.replace(/:.*/, '')).join(', ');
  return {
    kind: 'reused',
    changes,
    explanation: `maintainer scripts need not run again: nothing that they read changed with ${names}`,
  };
}

async function layersDiffer(
  request: ComposeRequest,
  record: StageRecord,
  input: ScriptsInput,
): Promise<string | undefined> {
  const now = layersOf(input.layers);
  const gone = record.layers.filter(({ digest }) => !now.some((layer) => layer.digest === digest));
  const come = now.filter(({ digest }) => !record.layers.some((layer) => layer.digest === digest));
  for (const { digest } of gone) {
    if (!(await request.store.has(digest))) return 'a layer that they last ran on is not in the store any more';
  }
  const [before, after] = [await entriesOf(request, gone), await entriesOf(request, come)];
  return filesDiffer(before, after, new Set(record.reads));
}

async function entriesOf(
  request: ComposeRequest,
  layers: readonly StageLayer[],
): Promise<ReadonlyMap<string, BufferedTarEntry>> {
  const entries = new Map<string, BufferedTarEntry>();
  for (const layer of layers) {
    for (const entry of readTarBuffer(await plainStoredLayer(request, layer))) entries.set(entry.path, entry);
  }
  return entries;
}
