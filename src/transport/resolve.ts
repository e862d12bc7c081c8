import {
  type Descriptor,
  type Digest,
  formatPlatform,
  hostPlatform,
  type ImageConfig,
  type ImageManifest,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  ociError,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
  type ResolvedImage,
  selectPlatform,
} from '../oci/index.ts';
import { blobMissing } from '../storage/index.ts';
import type { ImageSource } from './source.ts';

/** Indexes in indexes: one level is in use, more only in attacks. */
const MAX_INDEX_DEPTH = 3;

/**
 * Follows a descriptor through indexes to one platform's image, and checks that what it needs is there.
 * @param platform the one wanted; the host's where undefined, and then an image without index is taken as it is
 * @throws BLOB_MISSING naming the blob, OCI_PLATFORM_MISSING, OCI_MANIFEST_INVALID, OCI_DIGEST_MISMATCH
 */
export async function resolveImage(
  source: ImageSource,
  descriptor: Descriptor,
  platform: Platform | undefined,
): Promise<ResolvedImage> {
  let current = descriptor;
  for (let depth = 0; depth <= MAX_INDEX_DEPTH; depth += 1) {
    const bytes = await source.read(current.digest, MAX_MANIFEST_BYTES);
    if (!isIndexType(current.mediaType)) return imageOf(source, current, bytes, platform);
    current = selectPlatform(parseIndex(bytes), platform ?? hostPlatform());
  }
  throw ociError('OCI_MANIFEST_INVALID', `${source.where}: indexes nested deeper than ${MAX_INDEX_DEPTH}`);
}

async function imageOf(
  source: ImageSource,
  { digest, mediaType }: Descriptor,
  manifestBytes: Buffer,
  platform: Platform | undefined,
): Promise<ResolvedImage> {
  if (!isManifestType(mediaType)) {
    throw ociError('OCI_MANIFEST_INVALID', `${source.where}: ${JSON.stringify(mediaType)} is no image manifest`);
  }
  const manifest = parseManifest(manifestBytes);
  await checkBlobs(source, manifest);
  const config = parseImageConfig(await source.read(manifest.config.digest, MAX_MANIFEST_BYTES));
  if (platform !== undefined) checkPlatform(source, config, platform);
  const blobs = { open: (blob: Digest) => source.open(blob), ownChunks: source.ownChunks === true };
  return { digest, mediaType, manifestBytes, manifest, config, blobs };
}

async function checkBlobs(source: ImageSource, manifest: ImageManifest): Promise<void> {
  if (source.size === undefined) return;
  for (const { digest, size, urls } of [manifest.config, ...manifest.layers]) {
    const found = await source.size(digest);
    if (found === undefined && urls !== undefined) continue;
    if (found === undefined) throw blobMissing(digest, source.where);
    if (found !== size) {
      throw ociError(
        'OCI_DIGEST_MISMATCH',
        `${source.where}: ${digest} has ${found} bytes, the manifest says ${size}`,
        {
          hint: 'The image is damaged where it lies; copy it there again.',
        },
      );
    }
  }
}

function checkPlatform(source: ImageSource, config: ImageConfig, wanted: Platform): void {
  if (config.os === wanted.os && config.architecture === wanted.architecture) return;
  throw ociError(
    'OCI_PLATFORM_MISSING',
    `${source.where} has ${config.os}/${config.architecture}, not ${formatPlatform(wanted)}`,
  );
}
