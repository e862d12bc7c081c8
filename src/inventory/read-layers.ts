import { type Progress, silentProgress } from '../base/index.ts';
import { indexLayer, ociError, type ResolvedImage } from '../oci/index.ts';
import { inventoryError } from './errors.ts';
import { type LayerCache, memoryLayerCache } from './layer-cache.ts';
import { LayerCapture } from './layer-capture.ts';
import type { LayerRecord } from './layer-record.ts';

export interface ReadLayersOptions {
  readonly layerCache?: LayerCache;
  /** Fill `sha256` of every file, for exact comparison; costs a hash over the unpacked layer, once. */
  readonly hashFiles?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Layers read at the same time: decompression runs on Node's four pool threads, beside parsing here. */
const PARALLEL = 4;

/**
 * What every layer of an image holds, bottom first, from the cache where it was read before.
 * @throws OCI_LAYER_INVALID, OCI_LAYER_LIMIT, OCI_DIGEST_MISMATCH, INVENTORY_LAYERS_MISMATCH, BLOB_MISSING
 */
export async function readLayers(
  image: ResolvedImage,
  options: ReadLayersOptions = {},
): Promise<readonly LayerRecord[]> {
  const { layers } = image.manifest;
  const diffIds = image.config.rootfs.diff_ids;
  if (diffIds.length !== layers.length) {
    throw inventoryError(
      'INVENTORY_LAYERS_MISMATCH',
      `image ${image.digest}: ${layers.length} layers in the manifest, ${diffIds.length} in the config`,
      { hint: 'Build or push the image again: engines refuse it too.' },
    );
  }
  const progress = options.progress ?? silentProgress;
  const records: LayerRecord[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < layers.length; at = next++) {
      options.signal?.throwIfAborted();
      const record = await readLayer(image, at, options);
      if (record.index.diffId !== diffIds[at]) {
        throw ociError(
          'OCI_DIGEST_MISMATCH',
          `image ${image.digest}: layer ${at + 1} unpacks to ${record.index.diffId}, its config says ${diffIds[at]}`,
        );
      }
      records[at] = record;
      done += 1;
      progress.update('reading layers', done, layers.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, layers.length) }, work));
  return records;
}

async function readLayer(image: ResolvedImage, at: number, options: ReadLayersOptions): Promise<LayerRecord> {
  const descriptor = image.manifest.layers[at] as ResolvedImage['manifest']['layers'][number];
  const cache = options.layerCache ?? memoryLayerCache();
  const cached = await cache.get(descriptor.digest);
  if (cached !== undefined && (cached.hashed || options.hashFiles !== true)) return cached;
  const capture = new LayerCapture();
  const hashFiles = options.hashFiles === true;
  const indexed = await indexLayer(await image.blobs.open(descriptor.digest), descriptor.mediaType, {
    name: descriptor.digest,
    ...capture.options,
    hashFiles,
  });
  const record = capture.record(descriptor.digest, indexed, hashFiles);
  await cache.put(record);
  return record;
}
