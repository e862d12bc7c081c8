import {
  type Descriptor,
  type Digest,
  isIndexType,
  MAX_MANIFEST_BYTES,
  parseIndex,
  parseManifest,
} from '../oci/index.ts';
import {
  openBlobFile,
  openBlobStore,
  readBlobFile,
  readLayoutIndex,
  updateLayoutIndex,
  withImage,
} from '../storage/index.ts';
import { imageNamed } from '../transport/index.ts';
import { artifactError } from './errors.ts';
import type { ArtifactRepository, FoundManifest } from './types.ts';

/** Manifests of a layout that are read in search of referrers; index.json does not say what a manifest refers to. */
const MAX_SEARCHED = 10_000;

/** An OCI layout folder; pushing makes it one where there is none. */
export function layoutRepository(directory: string): ArtifactRepository {
  const read = async (descriptor: Descriptor): Promise<FoundManifest> => ({
    descriptor,
    bytes: await readBlobFile(directory, descriptor.digest, MAX_MANIFEST_BYTES),
  });
  return {
    where: directory,
    async manifest(name) {
      return read(await imageNamed(directory, name));
    },
    blob: (digest) => openBlobFile(directory, digest),
    async pushBlob({ descriptor: { digest, size }, open }) {
      const store = await openBlobStore(directory);
      if ((await store.size(digest)) === size) return;
      await store.write(await open(), { digest, size });
    },
    async pushManifest(descriptor, bytes, tag) {
      const store = await openBlobStore(directory);
      await store.put(bytes);
      await updateLayoutIndex(directory, (index) => withImage(index, descriptor, tag));
    },
    async referrers(digest, artifactType) {
      const { manifests } = await readLayoutIndex(directory);
      if (manifests.length > MAX_SEARCHED) {
        throw artifactError('ARTIFACT_TOO_LARGE', `${directory} holds over ${MAX_SEARCHED} manifests to search`, {
          hint: 'Copy it to a registry: that keeps a list of referrers.',
        });
      }
      const found = new Map<Digest, Descriptor>();
      for (const listed of manifests) {
        const referrer = referrerFrom(await read(listed), digest);
        if (referrer === undefined) continue;
        if (artifactType === undefined || referrer.artifactType === artifactType) found.set(listed.digest, referrer);
      }
      return [...found.values()];
    },
    close() {},
  };
}

/** As a registry's referrers list would show it (distribution-spec, "Listing Referrers"). */
function referrerFrom({ descriptor, bytes }: FoundManifest, subject: Digest): Descriptor | undefined {
  const document = isIndexType(descriptor.mediaType) ? parseIndex(bytes) : parseManifest(bytes);
  if (document.subject?.digest !== subject) return undefined;
  const type = document.artifactType ?? ('config' in document ? document.config.mediaType : undefined);
  return {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    ...(type === undefined ? {} : { artifactType: type }),
    ...(document.annotations === undefined ? {} : { annotations: document.annotations }),
  };
}
