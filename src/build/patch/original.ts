import type { ImageConfig, ImageManifest, ResolvedImage } from '../../oci/index.ts';

export const PATCH_ANNOTATION = {
  /** Digest of the image before the first patch: every patch starts from there, so that layers never pile up. */
  source: 'io.heraklit.patch.source.digest',
  /** Diff id of the one layer a patch added. */
  layer: 'io.heraklit.patch.layer',
  packages: 'io.heraklit.patch.packages',
  advisories: 'io.heraklit.patch.advisories',
} as const;

const OURS: ReadonlySet<string> = new Set(Object.values(PATCH_ANNOTATION));

/**
 * The image without the layer that an earlier patch added, if there was one. An image that was built on a patched one
 * (and may have inherited its annotations) is an original itself.
 */
export function withoutPatchLayer(image: ResolvedImage): { readonly image: ResolvedImage; readonly source: string } {
  const { manifest, config } = image;
  const patchLayer = manifest.annotations?.[PATCH_ANNOTATION.layer];
  const source = manifest.annotations?.[PATCH_ANNOTATION.source];
  const diffIds = config.rootfs.diff_ids;
  if (patchLayer === undefined || source === undefined || diffIds.at(-1) !== patchLayer) {
    return { image, source: image.digest };
  }
  const strippedConfig: ImageConfig = {
    ...config,
    rootfs: { type: 'layers', diff_ids: diffIds.slice(0, -1) },
    history: (config.history ?? []).slice(0, -1),
  };
  const annotations = Object.entries(manifest.annotations ?? {}).filter(([name]) => !OURS.has(name));
  const strippedManifest: ImageManifest = {
    ...manifest,
    layers: manifest.layers.slice(0, -1),
    annotations: Object.fromEntries(annotations),
  };
  return { image: { ...image, manifest: strippedManifest, config: strippedConfig }, source };
}
