import {
  decompressPassing,
  type ExtractOptions,
  type ExtractResult,
  extractTar,
  removeFromRoot,
} from '../../archive/index.ts';
import { asLayerError } from './layer-error.ts';
import { sniffCompression } from './sniff.ts';
import type { LayerIndex } from './types.ts';
import { parseWhiteout } from './whiteout.ts';

/** A layer to unpack: what it holds was read before. */
export interface UnpackableLayer {
  readonly index: Pick<LayerIndex, 'whiteouts' | 'opaques'>;
  /** Bytes of the blob; only speed depends on it. */
  readonly size?: number;
  /** See `BlobSource.ownChunks`. */
  readonly ownChunks?: boolean;
  /** The blob as it is stored. */
  open(): Promise<AsyncIterable<Uint8Array>>;
}

export type UnpackOptions = Omit<ExtractOptions, 'filter' | 'folderOverSymlink' | 'allowMissingEnd'>;

/**
 * Unpacks layers into an existing empty folder, bottom first, as an engine applies them: what a layer hides goes
 * before its own entries come, so a layer never hides what it brings itself.
 * @throws OCI_LAYER_INVALID, OCI_LAYER_LIMIT, DISK_FULL, SYSTEM_ERROR; errors of the blobs pass unchanged
 */
export async function unpackLayers(
  layers: readonly UnpackableLayer[],
  root: string,
  options: UnpackOptions = {},
): Promise<ExtractResult> {
  let entries = 0;
  const incomplete: string[] = [];
  try {
    for (const { index, size, ownChunks = false, open } of layers) {
      removeFromRoot(root, index.opaques, 'content');
      removeFromRoot(root, index.whiteouts);
      const { compression, all } = await sniffCompression(await open());
      const result = await extractTar(
        decompressPassing(all, compression, { ...(size === undefined ? {} : { size }), ownChunks }),
        root,
        {
          ...options,
          folderOverSymlink: 'replace',
          allowMissingEnd: true,
          filter: ({ path }) => !path.includes('.wh.') || parseWhiteout(path) === undefined,
        },
      );
      entries += result.entries;
      incomplete.push(...result.incomplete);
    }
  } catch (error) {
    throw asLayerError(error);
  }
  return { entries, incomplete };
}
