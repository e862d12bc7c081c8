import type { Descriptor, Digest } from '../oci/index.ts';
import { artifactError } from './errors.ts';
import type { ArtifactRepository } from './types.ts';

/** Signatures of SBOMs of images are the third level; more is somebody's joke. */
const MAX_DEPTH = 10;
const MAX_REFERRERS = 10_000;

/** What refers to something, and what refers to that. */
export interface Referrer {
  readonly descriptor: Descriptor;
  readonly referrers: readonly Referrer[];
}

export interface DiscoverOptions {
  /** Only these on the first level. */
  readonly artifactType?: string;
  /** Levels, 10 at most (and by default). */
  readonly depth?: number;
}

/** @throws ARTIFACT_TOO_LARGE, REGISTRY_… */
export async function discoverReferrers(
  repository: ArtifactRepository,
  subject: Digest,
  { artifactType, depth = MAX_DEPTH }: DiscoverOptions = {},
): Promise<readonly Referrer[]> {
  let listed = 0;
  const below = async (digest: Digest, left: number, type: string | undefined): Promise<readonly Referrer[]> => {
    if (left <= 0) return [];
    const found = await repository.referrers(digest, type);
    listed += found.length;
    if (listed > MAX_REFERRERS) {
      throw artifactError('ARTIFACT_TOO_LARGE', `${repository.where}@${subject} has over ${MAX_REFERRERS} referrers`, {
        hint: 'Ask for one --artifact-type, or for --depth 1.',
      });
    }
    const referrers: Referrer[] = [];
    for (const descriptor of found) {
      referrers.push({ descriptor, referrers: await below(descriptor.digest, left - 1, undefined) });
    }
    return referrers;
  };
  return below(subject, Math.min(depth, MAX_DEPTH), artifactType);
}
