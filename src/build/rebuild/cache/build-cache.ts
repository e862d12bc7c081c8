import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Readable } from 'node:stream';
import { decompress, detectCompression } from '../../../archive/index.ts';
import { isHeraklitError, type Log, messageOf } from '../../../base/index.ts';
import { type Descriptor, type Digest, type ImageManifest, isDigest } from '../../../oci/index.ts';
import type { SecretSearch } from '../secrets.ts';
import { type CacheSpool, openSpool } from './spool.ts';
import type { CachePlace, CachePlaces, JobCache } from './types.ts';

/** Where builders find it, on the proxy's port. */
export const CACHE_REPOSITORY = 'cache';
/** Says of a manifest that it is no image for people: which lock its steps were made under. */
export const CACHE_ANNOTATION = 'io.heraklit.buildcache';

export interface CachedManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

/** One build's view of the cache: reads come from registries, writes wait beside the build until it has succeeded. */
export interface BuildCache {
  readonly spool: CacheSpool;
  /** Whether a request comes from the builder: what runs in its containers does not know the password. */
  allows(authorization: string | undefined): boolean;
  job(address: string): JobCache;
  manifest(reference: string): Promise<CachedManifest | undefined>;
  putManifest(reference: string, manifest: CachedManifest): void;
  blobSize(digest: Digest): Promise<number | undefined>;
  blob(digest: Digest): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Puts what was written where others find it. @param key of the lock that it was made under */
  publish(key: string, secrets: SecretSearch): Promise<void>;
}

interface CacheOptions {
  readonly places: CachePlaces;
  readonly directory: string;
  /** Undefined while recording: steps made under another lock, or none, are not taken over. */
  readonly key: string | undefined;
  readonly log: Log;
}

/** What belongs to one lock: other steps, other packages or another time give another key. */
export const cacheKey = (lock: string): string => createHash('sha256').update(lock).digest('hex').slice(0, 24);

/** By its beginning crawlers know that it is no image for people. */
const tagOf = (key: string, reference: string): string => `buildcache-${key}-${reference}`;

export function openBuildCache({ places, directory, key, log }: CacheOptions): BuildCache {
  const spool = openSpool(directory);
  const password = randomBytes(32).toString('hex');
  const expected = Buffer.from(`Basic ${Buffer.from(`build:${password}`).toString('base64')}`);
  const manifests = new Map<string, CachedManifest>();
  const sources = key === undefined ? [] : places.from;
  const told = new Set<string>();
  const tell = (place: CachePlace, what: string, error: unknown): void => {
    const line = `build cache ${place.repository}: ${what}: ${messageOf(error)}`;
    if (!told.has(line)) log.warn(line);
    told.add(line);
  };

  /** From the first place that has it; one that cannot be asked is passed over: a cache is only a cache. */
  async function first<T>(ask: (place: CachePlace) => Promise<T | undefined>): Promise<T | undefined> {
    for (const place of sources) {
      try {
        const found = await ask(place);
        if (found !== undefined) return found;
      } catch (error) {
        if (!isHeraklitError(error, 'REGISTRY_MANIFEST_UNKNOWN', 'BLOB_MISSING')) tell(place, 'not read', error);
      }
    }
    return undefined;
  }

  /** What the builder found in another place, and so did not write. */
  async function carryOver(manifest: CachedManifest, to: CachePlace): Promise<void> {
    for (const { digest, size } of partsOf(manifest)) {
      if (spool.size(digest) !== undefined || (await to.client.blobSize(to.repository, digest)) !== undefined) continue;
      const place = await first(async (one) =>
        (await one.client.blobSize(one.repository, digest)) === undefined ? undefined : one,
      );
      if (place === undefined) throw new Error(`nobody has ${digest}`);
      await to.client.pushBlob(to.repository, {
        digest,
        size,
        open: () => place.client.blob(place.repository, digest),
      });
    }
  }

  return {
    spool,
    allows(authorization) {
      const given = Buffer.from(authorization ?? '');
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
    job: (address) => ({
      repository: `${address}/${CACHE_REPOSITORY}`,
      user: 'build',
      password,
      read: sources.length > 0,
      write: places.to !== undefined,
    }),
    async manifest(reference) {
      const own = manifests.get(reference);
      if (own !== undefined) return own;
      const wanted = isDigest(reference) ? reference : tagOf(key ?? '', reference);
      return first(async ({ client, repository }) => {
        const { bytes, descriptor } = await client.manifest(repository, wanted);
        return { bytes, mediaType: descriptor.mediaType };
      });
    },
    putManifest(reference, manifest) {
      manifests.set(reference, manifest);
      manifests.set(`sha256:${createHash('sha256').update(manifest.bytes).digest('hex')}`, manifest);
    },
    async blobSize(digest) {
      return spool.size(digest) ?? (await first(({ client, repository }) => client.blobSize(repository, digest)));
    },
    async blob(digest) {
      if (spool.size(digest) !== undefined) return spool.open(digest);
      return first(({ client, repository }) => client.blob(repository, digest));
    },
    async publish(own, secrets) {
      const { to } = places;
      if (to === undefined || manifests.size === 0) return;
      await searchSecrets(spool, manifests, secrets);
      try {
        for (const [digest, size] of spool.blobs) {
          const open = async (): Promise<Readable> => Readable.from(spool.open(digest), { objectMode: false });
          await to.client.pushBlob(to.repository, { digest, size, open });
        }
        for (const [reference, manifest] of manifests) {
          if (isDigest(reference)) continue;
          await carryOver(manifest, to);
          await to.client.pushManifest(to.repository, tagOf(own, reference), annotated(manifest, own));
        }
      } catch (error) {
        tell(to, 'not written', error);
      }
    },
  };
}

/** Stages that are no part of the image are part of the cache. @throws REBUILD_SECRET_KEPT */
async function searchSecrets(
  spool: CacheSpool,
  manifests: ReadonlyMap<string, CachedManifest>,
  secrets: SecretSearch,
): Promise<void> {
  if (!secrets.wanted) return;
  for (const { bytes } of manifests.values()) secrets.check(bytes, 'the build cache');
  for (const digest of spool.blobs.keys()) {
    const watch = secrets.watch('the build cache');
    const head = await firstBytes(spool.open(digest));
    for await (const chunk of decompress(spool.open(digest), detectCompression(head))) watch(chunk);
  }
}

async function firstBytes(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const chunk of chunks) return chunk.subarray(0, 6);
  return new Uint8Array();
}

/** Configuration and layers of a manifest; what is no manifest has none. */
function partsOf({ bytes }: CachedManifest): readonly Pick<Descriptor, 'digest' | 'size'>[] {
  const { config, layers } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<ImageManifest>;
  const parts = [...(config === undefined ? [] : [config]), ...(Array.isArray(layers) ? layers : [])];
  return parts.filter(({ digest, size }) => isDigest(digest) && Number.isSafeInteger(size));
}

/** What people, retention and crawlers know it by. Indexes and what is no JSON object stay as they are. */
function annotated(manifest: CachedManifest, key: string): CachedManifest {
  const value = JSON.parse(Buffer.from(manifest.bytes).toString('utf8')) as { annotations?: object };
  const annotations = { ...value.annotations, [CACHE_ANNOTATION]: key };
  return { ...manifest, bytes: Buffer.from(JSON.stringify({ ...value, annotations })) };
}
