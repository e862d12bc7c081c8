import { Readable } from 'node:stream';
import { type Clock, isHeraklitError, type Log, messageOf } from '../../base/index.ts';
import { type Descriptor, type Digest, isDigest } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { RegistryCatalogue } from '../catalogue/catalogue.ts';
import type { RegistryClient } from '../client/client.ts';
import { registryError } from '../errors.ts';
import { checkManifest } from '../server/manifest-check.ts';
import { receiveBlob } from './arriving-blob.ts';
import type { MirroredRepository } from './mirror.ts';
import { DEFAULT_MAX_AGE, type MirrorTarget } from './rules.ts';
import type { Shared } from './shared.ts';
import type { Asked, UpstreamHealth } from './upstream-health.ts';

export interface MirrorContext {
  readonly store: BlobStore;
  readonly catalogue: RegistryCatalogue;
  readonly client: RegistryClient;
  readonly health: UpstreamHealth;
  readonly shared: Shared;
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes of one blob that are taken. */
  readonly blobBytes: number;
}

/** @param name the repository here */
export function mirroredRepository(name: string, target: MirrorTarget, context: MirrorContext): MirroredRepository {
  const { store, catalogue, client, health, shared, clock, log } = context;
  const upstream = `${target.registry}/${target.repository}`;
  const maxAge = target.rule.maxAge ?? DEFAULT_MAX_AGE;
  const key = (what: string): string => `${name} ${what}`;

  const unavailable = ({ error }: Extract<Asked<unknown>, { kind: 'unavailable' }>): Error =>
    registryError('REGISTRY_UNAVAILABLE', `${upstream} cannot be asked now: ${error.message}`, {
      cause: error,
      details: error.details,
    });
  const answer = async <Value>(call: () => Promise<Value>): Promise<Value> => {
    const asked = await health.ask(call);
    if (asked.kind === 'unavailable') throw unavailable(asked);
    return asked.value;
  };

  const fetchManifest = async (digest: Digest, tag: string | undefined): Promise<void> => {
    const { bytes, descriptor } = await client.manifest(target.repository, digest);
    const checked = checkManifest(bytes, descriptor.mediaType);
    await store.write(Readable.from([bytes]), { digest, size: bytes.length });
    const { mediaType, subject, artifactType, annotations, names } = checked;
    await catalogue.putManifest({
      repository: name,
      descriptor: {
        mediaType,
        digest,
        size: bytes.length,
        ...(subject === undefined || artifactType === undefined ? {} : { artifactType }),
        ...(subject === undefined || annotations === undefined ? {} : { annotations }),
      },
      // Blobs are linked when they came: until then the repository cannot serve them.
      blobs: [],
      names,
      ...(tag === undefined ? {} : { tag }),
      ...(subject === undefined ? {} : { subject }),
    });
  };

  const byDigest = async (digest: Digest): Promise<'fresh'> => {
    if ((await catalogue.resolve(name, digest)) !== undefined) return 'fresh';
    await answer(() => fetchManifest(digest, undefined));
    return 'fresh';
  };

  const byTag = async (tag: string): Promise<'fresh' | 'stale'> => {
    const cached = await catalogue.resolve(name, tag);
    const checkedAt = shared.checked.get(key(tag));
    if (cached !== undefined && checkedAt !== undefined && clock.now() - checkedAt < maxAge) return 'fresh';
    const asked = await health.ask(async () => {
      // Registries that count pulls do not count HEAD: an unchanged tag costs nothing.
      const head = await client.head(target.repository, tag);
      if (head === undefined) return 'none';
      if (head.digest !== cached?.digest) await fetchManifest(head.digest, tag);
      return 'current';
    });
    if (asked.kind === 'unavailable') {
      if (cached === undefined) throw unavailable(asked);
      log.warn(`${upstream} cannot be asked; serving ${tag} as it was`, { error: messageOf(asked.error) });
      return 'stale';
    }
    if (asked.value === 'none') {
      throw registryError('REGISTRY_MANIFEST_UNKNOWN', `${upstream} has no ${tag}`, { details: { reference: tag } });
    }
    shared.checked.set(key(tag), clock.now());
    return 'fresh';
  };

  const present = async (digest: Digest): Promise<boolean> =>
    (await catalogue.hasBlob(name, digest)) && (await store.size(digest)) !== undefined;

  /** Also the proof that upstream's repository has it: a blob of somebody else's repository is not served from here. */
  const sizeThere = async (digest: Digest): Promise<number> => {
    const size = await answer(() => client.blobSize(target.repository, digest));
    if (size === undefined) {
      throw registryError('REGISTRY_BLOB_UNKNOWN', `${upstream} has no blob ${digest}`, { details: { digest } });
    }
    if (size > context.blobBytes) {
      throw registryError(
        'REGISTRY_SIZE_INVALID',
        `${digest} has ${size} bytes, over the ${context.blobBytes} taken here`,
      );
    }
    return size;
  };

  const download = (digest: Digest) =>
    shared.downloads.run(key(digest), async () => {
      const size = await sizeThere(digest);
      const link = (): Promise<void> => catalogue.linkBlob(name, digest, size);
      if ((await store.size(digest)) === size) {
        await link();
        return undefined;
      }
      const content = await answer(() => client.blob(target.repository, digest));
      return receiveBlob(store, { digest, size }, content, link);
    });

  return {
    upstream,
    manifest: (reference) =>
      shared.manifests.run(key(reference), () => (isDigest(reference) ? byDigest(reference) : byTag(reference))),
    blob: async (digest) => ((await present(digest)) ? undefined : download(digest)),
    blobSize: async (digest) => ((await present(digest)) ? undefined : sizeThere(digest)),
    async tags({ n, last }) {
      const all = await shared.lists.run(key('tags'), () => health.ask(() => client.tags(target.repository)));
      if (all.kind === 'unavailable') return undefined;
      return [...all.value]
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .filter((tag) => last === undefined || Buffer.compare(Buffer.from(tag), Buffer.from(last)) > 0)
        .slice(0, n);
    },
    async referrers(digest, artifactType) {
      let found: Asked<readonly Descriptor[]>;
      try {
        found = await health.ask(() => client.referrers(target.repository, digest, artifactType));
      } catch (error) {
        if (isHeraklitError(error)) return undefined;
        throw error;
      }
      return found.kind === 'unavailable' ? undefined : [...found.value].sort((a, b) => (a.digest < b.digest ? -1 : 1));
    },
  };
}
