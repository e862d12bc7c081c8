import { decompress, readTar } from '../../archive/index.ts';
import {
  type BlobSource,
  type Descriptor,
  type Digest,
  type LayerItem,
  layerCompression,
  MediaType,
  writeLayer,
} from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';

/**
 * A layer written anew, entry by entry: no time after the epoch, headers as heraklit writes them. For builders that know
 * nothing of SOURCE_DATE_EPOCH.
 * @throws ARCHIVE_*
 */
export async function tidyLayer(
  blobs: BlobSource,
  layer: Descriptor,
  epoch: number,
  store: BlobStore,
): Promise<{ readonly descriptor: Descriptor; readonly diffId: Digest }> {
  const scratch = await store.scratch();
  try {
    const compression = layerCompression(layer.mediaType) ?? 'none';
    const plain = decompress(await blobs.open(layer.digest), compression);
    const { digest, size, diffId } = await writeLayer(items(plain), {
      compression: 'zstd',
      sink: scratch.path,
      clampMtime: epoch,
    });
    await scratch.commit({ digest, size });
    return { descriptor: { mediaType: MediaType.layerZstd, digest, size }, diffId };
  } catch (error) {
    await scratch.discard();
    throw error;
  }
}

async function* items(plain: AsyncIterable<Uint8Array>): AsyncGenerator<LayerItem, void, undefined> {
  for await (const entry of readTar(plain, {}, { allowMissingEnd: true })) {
    // The root folder itself is in no layer of ours.
    if (entry.path === '') continue;
    yield entry.type === 'file' ? { header: entry, content: entry.stream() } : { header: entry };
  }
}
