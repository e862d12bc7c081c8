import type { Digest, ResolvedImage } from '../../oci/index.ts';
import type { LayerFactsReader } from './layer-facts.ts';
import type { LayerFacts } from './types.ts';

/**
 * Facts of an image's layers, bottom first.
 *
 * @param from position of the first layer wanted
 */
export function readFacts(
  image: ResolvedImage,
  layers: LayerFactsReader,
  { from = 0 }: { readonly from?: number } = {},
): Promise<readonly LayerFacts[]> {
  return Promise.all(
    image.manifest.layers.slice(from).map((layer, at) => {
      // A manifest with more layers than its config has diff ids was refused when it was opened.
      const diffId = image.config.rootfs.diff_ids[from + at] as Digest;
      return layers.read(image.blobs, layer, diffId);
    }),
  );
}

/** Topmost file of that name in a stack of layers; undefined when none has it. */
export function topmostFile(facts: readonly LayerFacts[], path: string): Uint8Array | undefined {
  return facts.findLast((fact) => fact.files.has(path))?.files.get(path);
}
