import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decompress } from '../../archive/index.ts';
import {
  type Descriptor,
  type Digest,
  digestHex,
  digestOf,
  type HistoryEntry,
  type ImageConfig,
  type ImageManifest,
  layerCompression,
  MediaType,
  type ResolvedImage,
  serialize,
} from '../../oci/index.ts';
import { type BlobStore, relyOn } from '../../storage/index.ts';
import type { BuildStatistics } from '../types.ts';
import { CACHE_ANNOTATION } from './cache/build-cache.ts';
import { compressFile, layerCompressor } from './compress-layer.ts';
import { rebuildError } from './errors.ts';
import { completeHistory, createdAt, timed } from './history.ts';
import type { LockedImage } from './lock.ts';
import type { SecretSearch } from './secrets.ts';
import { tidyLayer } from './tidy-layer.ts';

/** How the base lies in the result: its own layers, byte for byte, below what the build added. */
export interface ResultBase {
  readonly image: ResolvedImage;
  readonly locked: LockedImage;
}

export interface ImportedImage {
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  readonly statistics: Omit<BuildStatistics, 'milliseconds'>;
}

export interface ImportFacts {
  /** Digest of the lock. */
  readonly lock: string;
  readonly secrets: SecretSearch;
  /** Folder of the builder's own layout, where the result is one. */
  readonly layout?: string;
  readonly renames: ReadonlyMap<string, string>;
  /** Own layers are written anew: sorted, with no time after this one (seconds). */
  readonly epoch?: number;
}

/**
 * Takes what a builder made into the store. Layers of a base keep the base's own blobs; new ones are compressed once
 * here, their content as the builder wrote it (same diff id). Names that only this build knows become those of the recipe.
 */
export async function importResult(
  result: ResolvedImage,
  bases: readonly ResultBase[],
  store: BlobStore,
  facts: ImportFacts,
): Promise<ImportedImage> {
  const base = baseOf(result, bases);
  const shared = base?.image.config.rootfs.diff_ids.length ?? 0;
  const layers: Descriptor[] = [];
  const diffIds = [...result.config.rootfs.diff_ids];
  let [bytesBuilt, bytesShared, layersBuilt, layersShared] = [0, 0, 0, 0];
  for (const [at, diffId] of result.config.rootfs.diff_ids.entries()) {
    const own = at < shared ? (base?.image.manifest.layers[at] as Descriptor) : undefined;
    if (own !== undefined && base !== undefined) {
      if ((await relyOn(store, own.digest)) === undefined)
        await store.write(await base.image.blobs.open(own.digest), own);
      layers.push(own);
      bytesShared += own.size;
      layersShared += 1;
    } else {
      const layer = result.manifest.layers[at] as Descriptor;
      const stored =
        facts.epoch === undefined
          ? { descriptor: await storeLayer(result, layer, diffId, store, facts), diffId }
          : await tidyLayer(result.blobs, layer, facts.epoch, store);
      const { descriptor } = stored;
      diffIds[at] = stored.diffId;
      layers.push(descriptor);
      bytesBuilt += descriptor.size;
      layersBuilt += 1;
    }
  }
  const told = renamed(timed(result.config.history ?? [], shared, facts.epoch), facts.renames);
  const config = {
    ...(facts.epoch === undefined ? result.config : createdAt(result.config, facts.epoch)),
    rootfs: { ...result.config.rootfs, diff_ids: diffIds },
    history: completeHistory(told, diffIds.length),
  };
  const configBytes = serialize(config);
  facts.secrets.check(configBytes, 'the configuration');
  const stored = await store.put(configBytes);
  const annotations = {
    ...withoutBase(result.manifest.annotations),
    ...(base === undefined
      ? {}
      : {
          'org.opencontainers.image.base.name': base.locked.name,
          'org.opencontainers.image.base.digest': base.locked.digest,
        }),
    'io.heraklit.lock': facts.lock,
  };
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, digest: stored.digest, size: stored.size },
    layers,
    annotations,
  };
  const bytes = serialize(manifest);
  facts.secrets.check(bytes, 'the manifest');
  await store.put(bytes);
  return {
    descriptor: { mediaType: MediaType.manifest, digest: digestOf(bytes), size: bytes.byteLength },
    manifest,
    config,
    statistics: { bytesBuilt, bytesShared, layersBuilt, layersShared },
  };
}

/** The base whose layers the result begins with; of several the highest. */
function baseOf(result: ResolvedImage, bases: readonly ResultBase[]): ResultBase | undefined {
  const ids = result.config.rootfs.diff_ids;
  const below = bases.filter(({ image }) => image.config.rootfs.diff_ids.every((id, at) => ids[at] === id));
  return below.sort((a, b) => b.image.config.rootfs.diff_ids.length - a.image.config.rootfs.diff_ids.length)[0];
}

async function storeLayer(
  result: ResolvedImage,
  layer: Descriptor,
  diffId: Digest,
  store: BlobStore,
  facts: ImportFacts,
): Promise<Descriptor> {
  const { secrets } = facts;
  const scratch = await store.scratch();
  try {
    // A plain layer is read against its digest. What came out of a cache is still as a registry had it.
    const isPlain = layer.digest === diffId;
    const watch = secrets.watch(`layer ${diffId}`);
    const actual =
      isPlain && facts.layout !== undefined
        ? await compressFile(join(facts.layout, 'blobs', 'sha256', digestHex(diffId)), scratch.path, watch)
        : await compressBlob(await result.blobs.open(layer.digest), layer, scratch.path, watch);
    if (`sha256:${actual}` !== diffId)
      throw rebuildError(
        'REBUILD_FAILED',
        `the builder’s layer ${layer.digest} holds sha256:${actual}, and its image says ${diffId}`,
      );
    const { size } = await stat(scratch.path);
    const committed = await scratch.commit();
    return { mediaType: MediaType.layerZstd, digest: committed.digest, size };
  } catch (error) {
    await scratch.discard();
    throw error;
  }
}

/** The same for a layer that is no plain file. */
async function compressBlob(
  blob: Readable,
  { mediaType }: Descriptor,
  to: string,
  watch: (chunk: Uint8Array) => void,
): Promise<string> {
  const hash = createHash('sha256');
  const watching = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        watch(chunk);
        hash.update(chunk);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
  const plain = decompress(blob, layerCompression(mediaType) ?? 'none');
  await pipeline(Readable.from(plain, { objectMode: false }), watching, layerCompressor(), createWriteStream(to));
  return hash.digest('hex');
}

/** Names that the driver gave to pinned images stand in comments of the history. */
function renamed(history: readonly HistoryEntry[], renames: ReadonlyMap<string, string>): readonly HistoryEntry[] {
  const rename = (text: string): string =>
    [...renames].reduce((result, [from, to]) => result.replaceAll(from, to), text);
  return history.map((entry) => ({
    ...entry,
    ...(entry.comment === undefined ? {} : { comment: rename(entry.comment) }),
    ...(entry.created_by === undefined ? {} : { created_by: rename(entry.created_by) }),
  }));
}

function withoutBase(annotations: ImageManifest['annotations']): Readonly<Record<string, string>> {
  const kept = Object.entries(annotations ?? {}).filter(
    ([name]) =>
      !name.startsWith('org.opencontainers.image.base.') &&
      name !== CACHE_ANNOTATION &&
      name !== 'io.heraklit.lock' &&
      name !== 'io.heraklit.recipe',
  );
  return Object.fromEntries(kept);
}
