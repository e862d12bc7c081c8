import type { TarHeader } from '../../archive/index.ts';
import { MediaType, type ResolvedImage } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import { withParents } from '../layers/parents.ts';
import { type StoredLayer, storeLayer } from '../layers/store-layer.ts';
import type { BaseTree } from './conflicts.ts';

/** Entry of a merged file: mode and owner as the new base has them. */
function headerOf(path: string, size: number, base: BaseTree): TarHeader {
  const entry = base.tree.get(path)?.entry;
  return {
    path,
    type: 'file',
    mode: entry?.mode ?? 0o644,
    uid: entry?.uid ?? 0,
    gid: entry?.gid ?? 0,
    size,
    // The base's own time, so that the same inputs give the same layer on any day.
    mtime: entry?.mtime ?? 0,
  };
}

/** Writes the files merged from three sides as one layer, compressed as the child's other layers are. */
export async function writeMergedLayer(
  files: ReadonlyMap<string, string | Uint8Array>,
  newBase: BaseTree,
  child: ResolvedImage,
  store: BlobStore,
): Promise<StoredLayer> {
  const mediaType = child.manifest.layers.at(-1)?.mediaType ?? MediaType.layerZstd;
  const items = [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, content]) => {
      const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
      return { header: headerOf(path, bytes.byteLength, newBase), content: bytes };
    });
  return storeLayer(withParents(items, newBase.tree), mediaType, store);
}
