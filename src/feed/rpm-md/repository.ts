import type { DistributionName, Keyring } from '../../distro/index.ts';

/**
 * What makes a repository's word believable: a signature of its repomd.xml; where nobody signs it, that it came over
 * https from the host that was named (what dnf goes by); or nothing, because its user said so.
 */
export type RepositoryTrust =
  | { readonly kind: 'signature'; readonly keyring: Keyring }
  | { readonly kind: 'https' }
  | { readonly kind: 'always' };

/** One rpm-md repository for one architecture. */
export interface RpmRepository {
  /** `fedora/42/updates/x86_64`: the snapshot's id. */
  readonly id: string;
  readonly distribution: DistributionName;
  /** `updates`, or the name that a fleet file gives it. */
  readonly name: string;
  /** rpm's word: `x86_64`. */
  readonly architecture: string;
  /** All that it offers are security updates. */
  readonly security: boolean;
  /** URLs of the folder that has `repodata`, best first. */
  readonly bases: readonly string[];
  readonly trust: RepositoryTrust;
}
