import type { RegistryClient } from '../../../registry/index.ts';

/** A repository that holds what builds may take over from one another. */
export interface CachePlace {
  readonly client: Pick<RegistryClient, 'manifest' | 'blob' | 'blobSize' | 'pushBlob' | 'pushManifest'>;
  readonly repository: string;
}

export interface CachePlaces {
  readonly from: readonly CachePlace[];
  readonly to?: CachePlace;
}

/** What a builder is told of it. */
export interface JobCache {
  /** A repository without TLS, on the build's own loopback. */
  readonly repository: string;
  readonly user: string;
  readonly password: string;
  readonly read: boolean;
  readonly write: boolean;
}
