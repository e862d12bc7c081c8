import { type ApkInstalledRecord, DEFAULT_PROTECTED, parseProtectedPaths } from '../../../distro/index.ts';
import { type FlatTree, flattenLayers, type LayerIndex, type LayerItem } from '../../../oci/index.ts';
import { ApkState } from '../../patch/apk/apk-state.ts';
import { readApkFiles, stateOf } from '../../patch/apk/read-state.ts';
import { canonicalPath } from '../../patch/file-level.ts';
import { readFiles } from '../../patch/read-files.ts';
import { ahead } from '../ahead.ts';
import { indexOf, LAYERS_AHEAD, plainLayer } from '../base-image.ts';
import { composeError } from '../errors.ts';
import type { ComposeRequest } from '../types.ts';
import { ACCOUNT_PATHS } from '../users.ts';

/** What an apk image stands on. */
export interface ApkBase {
  readonly tree: FlatTree;
  readonly records: readonly ApkInstalledRecord[];
  /** Words of etc/apk/world. */
  readonly world: readonly string[];
  /** Folder of the package database. */
  readonly database: string;
  /** `scripts.tar` as apk 2 wants it, or compressed; undefined: there is none yet. */
  readonly scripts: 'scripts.tar' | 'scripts.tar.gz' | undefined;
  /** What apk knows of it, to be changed. */
  state(): ApkState;
  /** Contents of files by real path. */
  files(paths: ReadonlySet<string>): Promise<ReadonlyMap<string, Uint8Array>>;
  /** An entry, with content where it was read by `load`. */
  entry(path: string): LayerItem | undefined;
}

const DATABASE = 'lib/apk/db';

/** Nothing at all: an image from scratch. */
function nothing(): ApkBase {
  const protectedPaths = parseProtectedPaths(DEFAULT_PROTECTED);
  return {
    tree: new Map(),
    ...{ records: [], world: [], database: DATABASE, scripts: undefined },
    state: () => new ApkState([], new Map(), new Map(), protectedPaths),
    files: async () => new Map(),
    entry: () => undefined,
  };
}

/**
 * Reads what the recipe's base holds. @throws COMPOSE_BASE_MISMATCH where packages are asked for and apk knows none
 * @param also paths whose content `entry` will have
 */
export async function openApkBase(request: ComposeRequest, also: readonly string[]): Promise<ApkBase> {
  const { base, recipe } = request;
  if (base === undefined) return nothing();
  const { image } = base;
  const indexes: LayerIndex[] = [];
  for await (const bytes of ahead(image.manifest.layers, LAYERS_AHEAD, (layer) => plainLayer(image, layer))) {
    indexes.push(await indexOf(bytes));
  }
  const tree = flattenLayers(indexes);
  const files = (paths: ReadonlySet<string>) => readFiles(image, tree, paths);
  const wanted = [...ACCOUNT_PATHS, ...also].map((path) => canonicalPath(path, tree));
  const contents = await files(new Set(wanted));
  const entry = (path: string): LayerItem | undefined => {
    const found = tree.get(path);
    if (found === undefined) return undefined;
    const { type, mode, uid, gid, size, mtime, linkName } = (found.target ?? found).entry;
    const header = { path, type, mode, uid, gid, size, mtime, ...(linkName === undefined ? {} : { linkName }) };
    const content = contents.get(path);
    return content === undefined ? { header } : { header, content };
  };
  if ((recipe.packages ?? []).length === 0) return { ...nothing(), tree, files, entry };
  const database = await readApkFiles(image, tree).catch((cause: unknown) => {
    throw composeError('COMPOSE_BASE_MISMATCH', `the base ${base.name} has no package database of apk`, {
      cause,
      hint: 'Packages can only be added to an image that apk knows.',
    });
  });
  const world = canonicalPath('etc/apk/world', tree);
  const asked = (await files(new Set([world]))).get(world);
  return {
    ...{ tree, files, entry, records: database.records, database: database.folder },
    world:
      asked === undefined
        ? database.records.map(({ name }) => name)
        : Buffer.from(asked).toString('utf8').split(/\s+/).filter(Boolean),
    scripts: (['scripts.tar', 'scripts.tar.gz'] as const).find((name) => database.files.has(name)),
    state: () => stateOf(database),
  };
}
