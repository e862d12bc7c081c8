import type { Digest } from '../../oci/index.ts';
import type { RegistryContext } from './options.ts';

/** The blob is the repository's; over its quota it is not, and its bytes go with the next collection. */
export function linkWithin(
  { catalogue, quota }: RegistryContext,
  repository: string,
  digest: Digest,
  size: number,
): Promise<void> {
  return catalogue.linkBlob(repository, digest, size, quota && ((trx) => quota.check(trx, repository)));
}
