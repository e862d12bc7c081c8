import {
  type Digest,
  MAX_MANIFEST_BYTES,
  MediaType,
  parseImageConfig,
  parseManifest,
  type ResolvedImage,
} from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';

/** An image whose blobs all lie in the store. @throws BLOB_MISSING, OCI_MANIFEST_INVALID */
export async function storedImage(store: BlobStore, digest: Digest): Promise<ResolvedImage> {
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
