import { type Descriptor, isIndexType, type Platform, parseIndex, selectPlatform } from '../oci/index.ts';
import type { ArtifactRepository } from './types.ts';

/**
 * What an artifact is about: the manifest or index that a name stands for, or one platform's image of an index.
 * @throws OCI_PLATFORM_MISSING, REGISTRY_MANIFEST_UNKNOWN, TRANSPORT_IMAGE_MISSING
 */
export async function subjectOf(
  repository: ArtifactRepository,
  name: string | undefined,
  platform: Platform | undefined,
): Promise<Descriptor> {
  const { descriptor, bytes } = await repository.manifest(name);
  const { mediaType, digest, size } = descriptor;
  if (platform === undefined || !isIndexType(mediaType)) return { mediaType, digest, size };
  const chosen = selectPlatform(parseIndex(bytes), platform);
  return { mediaType: chosen.mediaType, digest: chosen.digest, size: chosen.size };
}
