import { type FlatTree, type LayerItem, MediaType, type ResolvedImage } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import { withParents } from '../layers/parents.ts';
import { type StoredLayer, storeLayer } from '../layers/store-layer.ts';
import type { OwnChanges } from './own-changes.ts';
import type { BaseTree } from './tree.ts';

/**
 * Writes what was merged from three sides as one layer, compressed as the child's other layers are. The folders that
 * lead to it are repeated as the result has them: the child's where it changed them.
 */
export async function writeMergedLayer(
  items: readonly LayerItem[],
  newBase: BaseTree,
  own: OwnChanges,
  child: ResolvedImage,
  store: BlobStore,
): Promise<StoredLayer> {
  const mediaType = child.manifest.layers.at(-1)?.mediaType ?? MediaType.layerZstd;
  const folders = new Map<string, ReturnType<FlatTree['get']>>();
  for (const { header } of items) {
    for (let at = header.path.indexOf('/'); at > 0; at = header.path.indexOf('/', at + 1)) {
      const path = header.path.slice(0, at);
      const write = own.writes.get(path);
      folders.set(path, write === undefined ? newBase.tree.get(path) : { entry: write.entry, layer: write.layer });
    }
  }
  return storeLayer(withParents(items, folders as FlatTree), mediaType, store);
}
