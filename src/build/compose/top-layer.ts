import type { LayerItem } from '../../oci/index.ts';
import type { BaseFile } from './base-image.ts';
import { type FolderRule, findOverlaps } from './conflicts.ts';
import { type DatabaseFiles, databaseItems } from './database.ts';
import { composeError } from './errors.ts';
import { merged, type StoredLayer } from './group-layer.ts';
import type { Lock } from './lock.ts';
import { packageFiles } from './package-layers.ts';
import type { PackageRecord } from './package-record.ts';
import { recipeItems } from './recipe-files.ts';
import { scriptChanges } from './script-cache.ts';
import type { ComposeRequest } from './types.ts';
import { ACCOUNT_PATHS, type AccountFiles, accountItems } from './users.ts';
import { CERTIFICATES, MASTER_GROUP, MASTER_PASSWD, withoutScriptsItems } from './without-scripts.ts';

export interface TopLayerInput {
  readonly lock: Lock;
  readonly layers: readonly StoredLayer[];
  readonly records: readonly PackageRecord[];
  readonly baseFiles: ReadonlyMap<string, BaseFile>;
}

/** Everything of an image that is its own: the package database, what scripts made, the recipe's users and files. */
export async function topLayerItems(request: ComposeRequest, input: TopLayerInput): Promise<readonly LayerItem[]> {
  const { lock, records, baseFiles } = input;
  const { recipe } = request;
  const made = records.length === 0 ? [] : await configured(request, input);
  const users = accountItems(accountFiles(made, baseFiles), recipe.users ?? [], lock.epoch);
  const files = await recipeItems(recipe, request.directory, request.confine, lock.epoch);
  return merged([made, users, overridden(made, files)].map((part) => part));
}

/** A recipe's folder wins over one that a script made: `merged` keeps the first of two folders, so drop the other. */
function overridden(made: readonly LayerItem[], files: readonly LayerItem[]): readonly LayerItem[] {
  const folders = new Set(files.filter(({ header }) => header.type === 'directory').map(({ header }) => header.path));
  for (const item of made) {
    if (item.header.type === 'directory' && folders.has(item.header.path)) {
      const own = files.find(({ header }) => header.path === item.header.path);
      if (own !== undefined) Object.assign(item, own);
    }
  }
  return files;
}

async function configured(request: ComposeRequest, input: TopLayerInput): Promise<readonly LayerItem[]> {
  const { lock, records, baseFiles } = input;
  const database: DatabaseFiles = new Map([...baseFiles].map(([path, { content }]) => [path, content]));
  const overlaps = findOverlaps(records);
  const settled = [
    ...overlaps.folders.map((rule) => folderItem(rule, lock.epoch)),
    ...(await winnerItems(request, input, overlaps.winners)),
  ];
  if (request.recipe.scripts === 'none') {
    const sources = await packageFiles(
      request,
      lock.packages,
      records,
      (path) => path === MASTER_PASSWD || path === MASTER_GROUP || path.startsWith(CERTIFICATES),
    );
    const taken = new Set(records.flatMap(({ paths }) => paths.map((line) => line.split(' ').at(-1) ?? '')));
    const own = request.base === undefined ? withoutScriptsItems(sources, taken, lock.epoch) : [];
    return merged([own, databaseItems(database, records, 'installed', lock.epoch), settled]);
  }
  const state = [...databaseItems(database, records, 'unpacked', lock.epoch), ...settled];
  const changes = await scriptChanges(request, {
    layers: input.layers.map(({ descriptor }) => descriptor),
    added: records,
    state,
    epoch: lock.epoch,
  });
  return afterScripts(state, changes);
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
  const contents = await packageFiles(request, input.lock.packages, input.records, isWanted);
  return winners.map(({ path, package: record }) => {
    const content = contents.get(path);
    if (content === undefined) {
      throw composeError(
        'COMPOSE_FILE_CONFLICT',
        `/${path} of ${record.name} is no file, but another package has it too`,
      );
    }
    const header = {
      path,
      type: 'file' as const,
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: content.length,
      mtime: record.mtime,
    };
    return { header, content };
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
