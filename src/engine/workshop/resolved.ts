import type { BuiltImage } from '../../build/index.ts';
import { type BlobSource, MediaType, type ResolvedImage, serialize } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';

/** Reads from the store first, then from where the image came from: a patch adds one layer, the others stay there. */
export function storeOver(store: BlobStore, origin: BlobSource): BlobSource {
  return { open: async (digest) => ((await store.has(digest)) ? store.open(digest) : origin.open(digest)) };
}

/** A built image as one that can be opened, saved, inspected. */
export function resolvedFrom(built: BuiltImage, blobs: BlobSource): ResolvedImage {
  return {
    digest: built.descriptor.digest,
    mediaType: built.descriptor.mediaType || MediaType.manifest,
    manifestBytes: serialize(built.manifest),
    manifest: built.manifest,
    config: built.config,
    blobs,
  };
}
