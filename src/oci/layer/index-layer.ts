import { type ArchiveLimits, decompressHashed, scanTar } from '../../archive/index.ts';
import { ociError } from '../errors.ts';
import { layerCompression } from '../media-types.ts';
import { type CollectOptions, type IndexedLayer, LayerCollector } from './collector.ts';
import { asLayerError } from './layer-error.ts';
import { sniffCompression } from './sniff.ts';

export interface IndexLayerOptions extends CollectOptions {
  readonly limits?: Partial<ArchiveLimits>;
  /** Bytes of the blob, as its descriptor claims; only speed depends on it. */
  readonly size?: number;
  /** See `BlobSource.ownChunks`. */
  readonly ownChunks?: boolean;
  /** Called once, when the first bytes were unpacked: from now on this thread often waits. */
  readonly started?: () => void;
}

/** Media types of layers that a registry may not hold, kept by images of old Windows and vendor bases. */
const FOREIGN =
  /^application\/vnd\.(?:oci\.image\.layer\.nondistributable\.v1|docker\.image\.rootfs\.foreign\.diff)\.tar/;

/**
 * Reads a layer once: its digest uncompressed, every path it adds, what it hides, and chosen files' content.
 * The compression is told by the bytes, as every engine does; the media type must be one of a layer.
 *
 * @param source the blob as it is stored
 * @throws OCI_LAYER_INVALID, OCI_LAYER_LIMIT; errors of `source` pass unchanged
 */
export async function indexLayer(
  source: AsyncIterable<Uint8Array>,
  mediaType: string,
  options: IndexLayerOptions = {},
): Promise<IndexedLayer> {
  if (layerCompression(mediaType) === undefined && !FOREIGN.test(mediaType)) {
    throw ociError('OCI_LAYER_INVALID', `${JSON.stringify(mediaType.slice(0, 200))} is not the media type of a layer`, {
      hint: 'Artifacts (charts, signatures, attestations) and encrypted layers have no files to look at.',
    });
  }
  const collector = new LayerCollector(options);
  try {
    const { compression, all } = await sniffCompression(source);
    const limits = options.limits ?? {};
    const plain = decompressHashed(all, compression, {
      ownChunks: options.ownChunks === true,
      ...(options.size === undefined ? {} : { size: options.size }),
      ...(limits.bytes === undefined ? {} : { maxBytes: limits.bytes }),
    });
    const { bytes } = await scanTar(announcing(plain.chunks, options.started), collector, limits, {
      allowMissingEnd: true,
    });
    return collector.result(`sha256:${plain.sha256()}`, bytes);
  } catch (error) {
    throw asLayerError(error, options.name);
  }
}

async function* announcing(
  chunks: AsyncIterable<Uint8Array>,
  started: (() => void) | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let first = true;
  for await (const chunk of chunks) {
    yield chunk;
    if (first) started?.();
    first = false;
  }
}
