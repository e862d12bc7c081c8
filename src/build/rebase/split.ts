import type { Descriptor, Digest, HistoryEntry, ImageConfig, ImageManifest } from '../../oci/index.ts';

/** The part of an image that the rebase needs to know of. */
export interface ImageShape {
  readonly digest: Digest;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** A child's own layers: those above its base's. */
export interface OwnLayers {
  readonly descriptors: readonly Descriptor[];
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
}

/**
 * Separates a child's own layers from its base's: the base's diff ids must be the beginning of the child's.
 * Diff ids are compared, not digests, because a registry or builder may have compressed the base's layers anew.
 *
 * @returns undefined when the child does not start with the base's layers
 */
export function ownLayers(child: ImageShape, base: ImageShape): OwnLayers | undefined {
  const baseIds = base.config.rootfs.diff_ids;
  const childIds = child.config.rootfs.diff_ids;
  if (baseIds.length > childIds.length || baseIds.some((diffId, at) => diffId !== childIds[at])) return undefined;
  return {
    descriptors: child.manifest.layers.slice(baseIds.length),
    diffIds: childIds.slice(baseIds.length),
    history: ownHistory(child.config.history ?? [], base.config.history ?? [], baseIds.length),
  };
}

/**
 * History entries after the base's. Where the child carries the base's history unchanged, all of it is cut;
 * otherwise what stands up to and including the entry of the base's last layer.
 */
function ownHistory(
  child: readonly HistoryEntry[],
  base: readonly HistoryEntry[],
  baseLayers: number,
): readonly HistoryEntry[] {
  if (base.length > 0 && base.every((entry, at) => JSON.stringify(entry) === JSON.stringify(child[at]))) {
    return child.slice(base.length);
  }
  let layers = 0;
  for (const [at, entry] of child.entries()) {
    if (layers === baseLayers) return child.slice(at);
    if (entry.empty_layer !== true) layers += 1;
  }
  return [];
}
