import type { Readable } from 'node:stream';
import type { BlobSource, Descriptor, Digest } from '../../oci/index.ts';
import type { ByteRange } from '../../storage/index.ts';
import { listRepositories, listTags } from './lists.ts';
import type { RegistryClientOptions } from './options.ts';
import { headBlob, headManifest, type PulledManifest, pullBlob, pullManifest } from './pull.ts';
import { deleteManifest, pushManifest } from './push.ts';
import { listReferrers } from './referrers.ts';
import { createSession } from './session.ts';
import { type BlobToPush, pushBlob } from './upload.ts';

/** A registry as a client sees it: OCI distribution-spec 1.1, with the token and basic authentication in use. */
export interface RegistryClient {
  readonly registry: string;
  /** By tag or digest; the bytes are checked against the digest. @throws REGISTRY_MANIFEST_UNKNOWN */
  manifest(repository: string, reference: string): Promise<PulledManifest>;
  /** Undefined when there is none. */
  head(repository: string, reference: string): Promise<Descriptor | undefined>;
  /** Verifies itself when read whole, and goes on by itself after a broken connection. @throws BLOB_MISSING */
  blob(repository: string, digest: Digest, range?: ByteRange): Promise<Readable>;
  blobSize(repository: string, digest: Digest): Promise<number | undefined>;
  blobs(repository: string): BlobSource;
  pushBlob(repository: string, blob: BlobToPush): Promise<'exists' | 'mounted' | 'uploaded'>;
  pushManifest(
    repository: string,
    reference: string,
    manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
  ): Promise<void>;
  deleteManifest(repository: string, reference: string): Promise<boolean>;
  tags(repository: string): Promise<readonly string[]>;
  repositories(): Promise<readonly string[]>;
  referrers(repository: string, digest: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
  /** Closes kept connections. */
  close(): void;
}

/** @param registry `host[:port]`, `docker.io` for Docker Hub */
export function createRegistryClient(registry: string, options: RegistryClientOptions = {}): RegistryClient {
  const session = createSession(registry, options);
  /** Docker Hub's official images: `debian` is `library/debian`. */
  const named = (repository: string): string =>
    /^(?:index\.)?docker\.io$/.test(registry) && !repository.includes('/') ? `library/${repository}` : repository;
  return {
    registry,
    manifest: (repository, reference) => pullManifest(session, named(repository), reference),
    head: (repository, reference) => headManifest(session, named(repository), reference),
    blob: (repository, digest, range) => pullBlob(session, named(repository), digest, range),
    blobSize: (repository, digest) => headBlob(session, named(repository), digest),
    blobs: (repository) => ({ open: (digest) => pullBlob(session, named(repository), digest) }),
    pushBlob: (repository, blob) => pushBlob(session, named(repository), blob),
    pushManifest: (repository, reference, manifest) => pushManifest(session, named(repository), reference, manifest),
    deleteManifest: (repository, reference) => deleteManifest(session, named(repository), reference),
    tags: (repository) => listTags(session, named(repository)),
    repositories: () => listRepositories(session),
    referrers: (repository, digest, artifactType) => listReferrers(session, named(repository), digest, artifactType),
    close: () => session.close(),
  };
}
