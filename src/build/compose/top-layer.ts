import { createHash } from 'node:crypto';
import type { LayerItem } from '../../oci/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import type { BaseFile } from './base-image.ts';
import { BUNDLE_PATH, certificateItems } from './certificates.ts';
import { type FolderRule, findOverlaps } from './conflicts.ts';
import { type DatabaseFiles, databaseItems } from './database.ts';
import { composeError } from './errors.ts';
import { withFolders } from './folders.ts';
import { layerByContent, merged, type StoredLayer, storeLayer } from './group-layer.ts';
import { layerTypeOf } from './layer-type.ts';
import type { Lock } from './lock-form.ts';
import { packageFiles } from './package-layers.ts';
import type { PackageRecord } from './package-record.ts';
import { recipeItems } from './recipe-files.ts';
import { scriptChanges, scriptsKey } from './script-cache.ts';
import { tarOf } from './tar-items.ts';
import { timezoneItems, type ZonePackages } from './timezone.ts';
import type { ComposeRequest } from './types.ts';
import { ACCOUNT_PATHS, type AccountFiles, accountItems } from './users.ts';
import { CERTIFICATES, MASTER_GROUP, MASTER_PASSWD, withoutScriptsItems } from './without-scripts.ts';

export interface TopLayerInput {
  readonly lock: Lock;
  readonly layers: readonly StoredLayer[];
  readonly records: readonly PackageRecord[];
  readonly baseFiles: ReadonlyMap<string, BaseFile>;
  /** Told whether maintainer scripts ran, and why. */
  readonly explain: (text: string) => void;
}

/**
 * The layers above the packages: one with the package database and what scripts made, which images with the same
 * packages share, and one with the recipe's own users and files. Either is left out when it would be empty.
 */
export async function topLayers(request: ComposeRequest, input: TopLayerInput): Promise<readonly StoredLayer[]> {
  const state = input.records.length === 0 ? undefined : await packageState(request, input);
  try {
    return await writeLayers(request, input, state);
  } finally {
    await state?.settle();
  }
}

async function writeLayers(
  request: ComposeRequest,
  input: TopLayerInput,
  state: PackageState | undefined,
): Promise<readonly StoredLayer[]> {
  const { lock, records } = input;
  const { recipe } = request;
  const compression = recipe.compression ?? 'zstd';
  const layers: StoredLayer[] = [];
  if (state !== undefined) {
    const comment = `package database and what ${recipe.scripts === 'none' ? 'stands in for scripts' : 'scripts'} made`;
    layers.push(
      await layerByContent(request, { kind: 'state', inputs: state.key, compression, comment }, async () =>
        withFolders(request, await state.items(), [], records, lock.epoch),
      ),
    );
  }
  const made = state !== undefined && hasOwnItems(recipe) ? await state.items() : [];
  const own = await ownItems(request, input, made);
  if (own.length > 0) {
    const items = await withFolders(request, own, made, records, lock.epoch);
    const { digest, size, diffId, uncompressed } = await storeLayer(request, items, compression);
    const descriptor = { mediaType: layerTypeOf(compression), digest, size };
    layers.push({ descriptor, diffId, comment: `files and users of ${recipe.name}`, built: true, uncompressed });
  }
  return layers;
}

const hasOwnItems = ({ users, groups, files, timezone, caCertificates }: Recipe): boolean =>
  timezone !== undefined || [users, groups, files, caCertificates].some((list) => (list ?? []).length > 0);

/** What the recipe itself says: accounts, time zone and certificates, and over them its files. */
async function ownItems(
  request: ComposeRequest,
  { lock, records, baseFiles }: TopLayerInput,
  made: readonly LayerItem[],
): Promise<readonly LayerItem[]> {
  const { recipe, base } = request;
  const { epoch } = lock;
  const bundle = made.find(({ header }) => header.path === BUNDLE_PATH)?.content as Buffer | undefined;
  const taken = new Set(made.map(({ header }) => header.path));
  return merged([
    accountItems(accountFiles(made, baseFiles), recipe.users ?? [], epoch, recipe.groups ?? []),
    timezoneItems(recipe, zonesOf(records), base !== undefined, epoch),
    await certificateItems(request, bundle ?? baseFiles.get(BUNDLE_PATH)?.content, taken, epoch),
    await recipeItems(recipe, request.directory, request.confine, epoch),
  ]);
}

function zonesOf(records: readonly PackageRecord[]): ZonePackages {
  return {
    has: (path) => records.some(({ paths }) => paths.some((line) => line === `f ${path}` || line === `l ${path}`)),
    hasTzdata: records.some(({ name }) => name === 'tzdata'),
  };
}

interface PackageState {
  /** Names the items without making them. */
  readonly key: string;
  /** To be awaited when the items are written, or not needed. */
  settle(): Promise<unknown>;
  items(): Promise<readonly LayerItem[]>;
}

async function packageState(request: ComposeRequest, input: TopLayerInput): Promise<PackageState> {
  const { lock, records, baseFiles } = input;
  const database: DatabaseFiles = new Map([...baseFiles].map(([path, { content }]) => [path, content]));
  const overlaps = findOverlaps(records);
  const settled = [
    ...overlaps.folders.map((rule) => folderItem(rule, lock.epoch)),
    ...(await winnerItems(request, input, overlaps.winners)),
  ];
  if (request.recipe.scripts === 'none') {
    const items = await stateWithoutScripts(request, input, database, settled);
    return {
      key: `none ${createHash('sha256').update(tarOf(items)).digest('hex')}`,
      items: async () => items,
      settle: async () => undefined,
    };
  }
  const state = [...databaseItems(database, records, 'unpacked', lock.epoch), ...settled];
  const scripts = {
    layers: input.layers,
    added: records,
    state,
    epoch: lock.epoch,
    database,
  };
  const key = scriptsKey(request, scripts);
  let items: Promise<readonly LayerItem[]> | undefined;
  let kept: Promise<unknown> = Promise.resolve();
  return {
    key,
    settle: () => kept,
    items: () => {
      items ??= scriptChanges(request, scripts, key).then((outcome) => {
        input.explain(outcome.explanation);
        kept = outcome.settled;
        return afterScripts(state, outcome.items);
      });
      return items;
    },
  };
}

async function stateWithoutScripts(
  request: ComposeRequest,
  { lock, records }: TopLayerInput,
  database: DatabaseFiles,
  settled: readonly LayerItem[],
): Promise<readonly LayerItem[]> {
  const isSource = (path: string): boolean =>
    path === MASTER_PASSWD || path === MASTER_GROUP || path.startsWith(CERTIFICATES);
  const files = await packageFiles(request, lock.packages, records, isSource);
  const sources = new Map([...files].map(([path, { content }]) => [path, content]));
  const taken = new Set(records.flatMap(({ paths }) => paths.map((line) => line.split(' ').at(-1) ?? '')));
  const own = request.base === undefined ? withoutScriptsItems(sources, taken, lock.epoch) : [];
  return merged([own, databaseItems(database, records, 'installed', lock.epoch), settled]);
}

/** What was there before the scripts, unless they changed or removed it, and what they made. */
function afterScripts(state: readonly LayerItem[], changes: readonly LayerItem[]): readonly LayerItem[] {
  const changed = new Set(changes.map(({ header }) => header.path));
  const gone = new Set(
    [...changed].filter((path) => /(?:^|\/)\.wh\./.test(path)).map((path) => path.replace(/(^|\/)\.wh\./, '$1')),
  );
  const kept = state.filter(({ header }) => !changed.has(header.path) && !gone.has(header.path));
  const own = new Set(state.map(({ header }) => header.path));
  // A file that only the state held needs no whiteout: no layer below has it.
  const needed = changes.filter(({ header }) => {
    const target = header.path.replace(/(^|\/)\.wh\./, '$1');
    return target === header.path || !own.has(target) || header.path.endsWith('.wh..wh..opq');
  });
  return [...kept, ...needed];
}

function folderItem({ path, mode, uid, gid }: FolderRule, mtime: number): LayerItem {
  return { header: { path, type: 'directory', mode, uid, gid, size: 0, mtime } };
}

async function winnerItems(
  request: ComposeRequest,
  input: TopLayerInput,
  winners: ReturnType<typeof findOverlaps>['winners'],
): Promise<readonly LayerItem[]> {
  if (winners.length === 0) return [];
  const owner = new Map(winners.map((winner) => [winner.path, winner.package.sha256]));
  const isWanted = (path: string, record: PackageRecord): boolean => owner.get(path) === record.sha256;
  const files = await packageFiles(request, input.lock.packages, input.records, isWanted);
  return winners.map(({ path, package: record }) => {
    const file = files.get(path);
    if (file === undefined) {
      throw composeError(
        'COMPOSE_FILE_CONFLICT',
        `/${path} of ${record.name} is no file, but another package has it too`,
      );
    }
    return file;
  });
}

function accountFiles(made: readonly LayerItem[], baseFiles: ReadonlyMap<string, BaseFile>): AccountFiles {
  const files = new Map<string, { content: Buffer; mode: number; gid: number }>();
  for (const path of ACCOUNT_PATHS) {
    const item = made.find(({ header }) => header.path === path && header.type === 'file');
    const below = baseFiles.get(path);
    if (item !== undefined) {
      files.set(path, { content: item.content as Buffer, mode: item.header.mode, gid: item.header.gid });
    } else if (below !== undefined) {
      files.set(path, { content: below.content, mode: below.header.mode, gid: below.header.gid });
    }
  }
  return files;
}
