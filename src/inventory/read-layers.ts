import { releaseThread } from '../archive/index.ts';
import { type Progress, silentProgress } from '../base/index.ts';
import { ALL_READERS } from '../language/index.ts';
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
  /** Called when a layer's first bytes were unpacked, once a layer that the cache does not have. */
  readonly reading?: () => void;
  readonly signal?: AbortSignal;
  /** Also tell which packages are used: what the entry point and all programs are linked against. */
  readonly usage?: boolean;
  /** Leave out what needs a look at every file of a root folder. Layers are read whole anyway, once. */
  readonly systemOnly?: boolean;
}

/** Layers read at the same time: decompression runs on Node's four pool threads, beside parsing here. */
const PARALLEL = 3;

/** Layers that were read; `kept` resolves when the cache has them, and never rejects before someone waits for it. */
export interface LayersRead {
  readonly records: readonly LayerRecord[];
  readonly kept: Promise<unknown>;
}

/**
 * What every layer of an image holds, bottom first, from the cache where it was read before.
 * @throws OCI_LAYER_INVALID, OCI_LAYER_LIMIT, OCI_DIGEST_MISMATCH, INVENTORY_LAYERS_MISMATCH, BLOB_MISSING
 */
export async function readLayers(
  image: ResolvedImage,
  options: ReadLayersOptions = {},
): Promise<readonly LayerRecord[]> {
  const { records, kept } = await startKeeping(image, options);
  await kept;
  return records;
}

/** The same for who has something to do with the layers while the cache is still being written. */
export async function startKeeping(image: ResolvedImage, options: ReadLayersOptions): Promise<LayersRead> {
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
  const cache = options.layerCache ?? memoryLayerCache();
  const records: LayerRecord[] = [];
  const writes: Promise<void>[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < layers.length; at = next++) {
      options.signal?.throwIfAborted();
      const { record, fresh } = await readLayer(image, at, cache, options);
      if (record.index.diffId !== diffIds[at]) {
        throw ociError(
          'OCI_DIGEST_MISMATCH',
          `image ${image.digest}: layer ${at + 1} unpacks to ${record.index.diffId}, its config says ${diffIds[at]}`,
        );
      }
      records[at] = record;
      if (fresh) {
        const write = cache.put(record);
        write.catch(() => undefined);
        writes.push(write);
      }
      done += 1;
      progress.update('reading layers', done, layers.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, layers.length) }, work));
  releaseThread();
  const kept = Promise.all(writes);
  kept.catch(() => undefined);
  return { records, kept };
}

async function readLayer(
  image: ResolvedImage,
  at: number,
  cache: LayerCache,
  options: ReadLayersOptions,
): Promise<{ readonly record: LayerRecord; readonly fresh: boolean }> {
  const descriptor = image.manifest.layers[at] as ResolvedImage['manifest']['layers'][number];
  const cached = await cache.get(descriptor.digest);
  if (cached !== undefined && isEnough(cached, options)) return { record: cached, fresh: false };
  const capture = new LayerCapture();
  const hashFiles = options.hashFiles === true;
  const indexed = await indexLayer(await image.blobs.open(descriptor.digest), descriptor.mediaType, {
    name: descriptor.digest,
    size: descriptor.size,
    ownChunks: image.blobs.ownChunks === true,
    ...(options.reading === undefined ? {} : { started: options.reading }),
    ...capture.options,
    hashFiles,
  });
  return { record: await capture.record(descriptor.digest, indexed, hashFiles), fresh: true };
}

function isEnough(record: LayerRecord, options: ReadLayersOptions): boolean {
  return (record.hashed || options.hashFiles !== true) && record.readers === ALL_READERS.fingerprint;
}
