import { type Descriptor, type Digest, type LayerItem, layerCompression, writeLayer } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';

export interface StoredLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

/** Writes a layer straight into the store, sorted by path and compressed as its media type says. */
export async function storeLayer(
  items: readonly LayerItem[],
  mediaType: string,
  store: BlobStore,
  clampMtime?: number,
): Promise<StoredLayer> {
  const scratch = await store.scratch();
  try {
    const { digest, size, diffId } = await writeLayer(items, {
      compression: layerCompression(mediaType) ?? 'zstd',
      sink: scratch.path,
      sort: true,
      ...(clampMtime === undefined ? {} : { clampMtime }),
    });
    await scratch.commit({ digest, size });
    return { descriptor: { mediaType, digest, size }, diffId };
  } catch (error) {
    await scratch.discard();
    throw error;
  }
}
