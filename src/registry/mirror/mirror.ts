import type { Descriptor, Digest } from '../../oci/index.ts';
import type { Page } from '../catalogue/catalogue.ts';
import type { ArrivingBlob } from './arriving-blob.ts';

/** Repositories of this registry that mirror others: what is asked for is fetched once and kept. */
export interface RegistryMirror {
  /** Undefined for a repository of our own. */
  of(repository: string): MirroredRepository | undefined;
  /** Ends connections; copies under way are given up. */
  close(): Promise<void>;
}

/** One mirrored repository. What it has is in the catalogue and the store like anything that was pushed. */
export interface MirroredRepository {
  /** `HOST/REPOSITORY`, for messages. */
  readonly upstream: string;
  /**
   * Has the catalogue know a manifest, by tag as upstream has it now. `stale`: upstream cannot be asked, and what the
   * catalogue has is older than it should be.
   * @throws REGISTRY_MANIFEST_UNKNOWN, REGISTRY_UNAVAILABLE and the like where nothing is cached
   */
  manifest(reference: string): Promise<'fresh' | 'stale'>;
  /** Undefined where the repository has the blob already. @throws REGISTRY_BLOB_UNKNOWN, REGISTRY_UNAVAILABLE, … */
  blob(digest: Digest): Promise<ArrivingBlob | undefined>;
  /** Undefined where the repository has the blob already. @throws REGISTRY_BLOB_UNKNOWN, … */
  blobSize(digest: Digest): Promise<number | undefined>;
  /** Upstream's tags in byte order; undefined where it cannot be asked and what is cached has to do. */
  tags(page: Page): Promise<readonly string[] | undefined>;
  /** The same for referrers, by digest. */
  referrers(digest: Digest, artifactType: string | undefined): Promise<readonly Descriptor[] | undefined>;
}
