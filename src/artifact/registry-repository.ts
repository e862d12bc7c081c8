import type { RegistryReference } from '../oci/index.ts';
import { createRegistryClient, type RegistryClientOptions } from '../registry/index.ts';
import type { ArtifactRepository } from './types.ts';

/** A repository of a registry. Nothing is asked before the first call. */
export function registryRepository(
  { registry, repository }: RegistryReference,
  options: RegistryClientOptions,
): ArtifactRepository {
  const client = createRegistryClient(registry, options);
  return {
    where: `${registry}/${repository}`,
    manifest: (name) => client.manifest(repository, name ?? 'latest'),
    blob: (digest) => client.blob(repository, digest),
    pushBlob: async ({ descriptor: { digest, size }, open }) => {
      await client.pushBlob(repository, { digest, size, open });
    },
    pushManifest: (descriptor, bytes, tag) =>
      client.pushManifest(repository, tag ?? descriptor.digest, { bytes, mediaType: descriptor.mediaType }),
    referrers: (digest, artifactType) => client.referrers(repository, digest, artifactType),
    close: () => client.close(),
  };
}
