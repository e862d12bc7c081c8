import {
  type Digest,
  MAX_MANIFEST_BYTES,
  MediaType,
  parseImageConfig,
  parseManifest,
  type ResolvedImage,
} from '../../oci/index.ts';
import { type BlobStore, relyOn } from '../../storage/index.ts';

/** Opens an image of the home's own store. @throws BLOB_MISSING, OCI_MANIFEST_INVALID */
export async function openStored(store: BlobStore, digest: Digest): Promise<ResolvedImage> {
  const manifestBytes = await store.read(digest, MAX_MANIFEST_BYTES);
  const manifest = parseManifest(manifestBytes);
  return {
    digest,
    mediaType: manifest.mediaType ?? MediaType.manifest,
    manifestBytes,
    manifest,
    config: parseImageConfig(await store.read(manifest.config.digest, MAX_MANIFEST_BYTES)),
    blobs: store,
  };
}

/** Copies what the store lacks of an image: its manifest, config and layers, each verified while it is written. */
export async function adopt(store: BlobStore, image: ResolvedImage): Promise<void> {
  for (const { digest, size } of [...image.manifest.layers, image.manifest.config]) {
    if ((await relyOn(store, digest)) === undefined)
      await store.write(await image.blobs.open(digest), { digest, size });
  }
  await store.put(image.manifestBytes);
}
