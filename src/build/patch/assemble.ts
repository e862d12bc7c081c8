import {
  type Descriptor,
  type Digest,
  digestOf,
  type ImageConfig,
  type ImageManifest,
  MediaType,
  type ResolvedImage,
  serialize,
} from '../../oci/index.ts';
import type { PackageChange } from '../types.ts';
import { PATCH_ANNOTATION } from './original.ts';

export interface PatchedImage {
  readonly manifest: ImageManifest;
  readonly manifestBytes: Uint8Array;
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
  readonly descriptor: Descriptor;
}

/**
 * Media type of the patch layer. zstd compresses several times faster than gzip and, unlike Node's gzip, to the same
 * bytes on every processor (docs/decisions/0002); Docker's own manifests know no other compression than gzip.
 */
export function patchLayerType(image: ResolvedImage, compression: 'gzip' | 'zstd' = 'zstd'): string {
  if (image.mediaType === MediaType.dockerManifest) return MediaType.dockerLayerGzip;
  return compression === 'zstd' ? MediaType.layerZstd : MediaType.layerGzip;
}

/** The original's manifest and config with one layer more; everything else of the image is kept. */
export function assemblePatched(
  image: ResolvedImage,
  source: string,
  layer: { readonly descriptor: Descriptor; readonly diffId: Digest },
  changes: readonly PackageChange[],
  advisories: readonly string[],
  epoch: number,
): PatchedImage {
  const created = new Date(epoch * 1000).toISOString();
  const packages = changes.map(({ package: name, to }) => `${name}=${to ?? ''}`).join(' ');
  const config: ImageConfig = {
    ...image.config,
    created,
    rootfs: { type: 'layers', diff_ids: [...image.config.rootfs.diff_ids, layer.diffId] },
    history: [
      ...(image.config.history ?? []),
      { created, created_by: `heraklit patch: ${changes.length} packages`, comment: packages.slice(0, 4000) },
    ],
  };
  const configBytes = serialize(config);
  const manifest: ImageManifest = {
    ...image.manifest,
    config: { ...image.manifest.config, digest: digestOf(configBytes), size: configBytes.byteLength },
    layers: [...image.manifest.layers, layer.descriptor],
    annotations: {
      ...image.manifest.annotations,
      [PATCH_ANNOTATION.source]: source,
      [PATCH_ANNOTATION.layer]: layer.diffId,
      [PATCH_ANNOTATION.packages]: packages,
      ...(advisories.length > 0 ? { [PATCH_ANNOTATION.advisories]: advisories.join(' ') } : {}),
    },
  };
  const manifestBytes = serialize(manifest);
  const mediaType = manifest.mediaType ?? image.mediaType;
  return {
    manifest,
    manifestBytes,
    config,
    configBytes,
    descriptor: { mediaType, digest: digestOf(manifestBytes), size: manifestBytes.byteLength },
  };
}
