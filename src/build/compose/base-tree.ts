import { type FlatTree, flattenLayers, type LayerIndex, type LayerItem } from '../../oci/index.ts';
import { canonicalPath } from '../patch/file-level.ts';
import { readFiles } from '../patch/read-files.ts';
import { ahead } from './ahead.ts';
import { indexOf, LAYERS_AHEAD, plainLayer } from './base-image.ts';
import type { ComposeRequest } from './types.ts';
import { ACCOUNT_PATHS } from './users.ts';

/** The files of the image that a recipe stands on; empty where it stands on none. */
export interface BaseTree {
  readonly tree: FlatTree;
  /** Contents by real path. */
  files(paths: ReadonlySet<string>): Promise<ReadonlyMap<string, Uint8Array>>;
  /** An entry; accounts and what was asked for with its content. */
  entry(path: string): LayerItem | undefined;
}

/** @param also paths whose content `entry` will have */
export async function openBaseTree({ base }: ComposeRequest, also: readonly string[]): Promise<BaseTree> {
  if (base === undefined) return { tree: new Map(), files: async () => new Map(), entry: () => undefined };
  const { image } = base;
  const indexes: LayerIndex[] = [];
  for await (const bytes of ahead(image.manifest.layers, LAYERS_AHEAD, (layer) => plainLayer(image, layer))) {
    indexes.push(await indexOf(bytes));
  }
  const tree = flattenLayers(indexes);
  const files = (paths: ReadonlySet<string>) => readFiles(image, tree, paths);
  const contents = await files(new Set([...ACCOUNT_PATHS, ...also].map((path) => canonicalPath(path, tree))));
  const entry = (path: string): LayerItem | undefined => {
    const found = tree.get(path);
    if (found === undefined) return undefined;
    const { type, mode, uid, gid, size, mtime, linkName } = (found.target ?? found).entry;
    const header = { path, type, mode, uid, gid, size, mtime, ...(linkName === undefined ? {} : { linkName }) };
    const content = contents.get(path);
    return content === undefined ? { header } : { header, content };
  };
  return { tree, files, entry };
}
