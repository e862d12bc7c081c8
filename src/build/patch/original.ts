import type { ImageConfig, ImageManifest, ResolvedImage } from '../../oci/index.ts';

export const PATCH_ANNOTATION = {
  /** Digest of the image before the first patch: every patch starts from there, so that layers never pile up. */
  source: 'io.heraklit.patch.source.digest',
  /** Diff id of the one layer a patch added. */
  layer: 'io.heraklit.patch.layer',
  packages: 'io.heraklit.patch.packages',
  advisories: 'io.heraklit.patch.advisories',
} as const;

/** The image without the layer that an earlier patch added, if there was one. */
export function withoutPatchLayer(image: ResolvedImage): { readonly image: ResolvedImage; readonly source: string } {
  const { manifest, config } = image;
  const patchLayer = manifest.annotations?.[PATCH_ANNOTATION.layer];
  const source = manifest.annotations?.[PATCH_ANNOTATION.source] ?? image.digest;
  const diffIds = config.rootfs.diff_ids;
  if (patchLayer === undefined || diffIds.at(-1) !== patchLayer) return { image, source };
  const strippedConfig: ImageConfig = {
    ...config,
    rootfs: { type: 'layers', diff_ids: diffIds.slice(0, -1) },
    history: (config.history ?? []).slice(0, -1),
  };
  const strippedManifest: ImageManifest = { ...manifest, layers: manifest.layers.slice(0, -1) };
  return { image: { ...image, manifest: strippedManifest, config: strippedConfig }, source };
}
