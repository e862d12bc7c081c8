import type { Readable } from 'node:stream';
import type { Descriptor, Digest } from '../oci/index.ts';

/** image-spec annotations.md */
export const TITLE = 'org.opencontainers.image.title';
export const CREATED = 'org.opencontainers.image.created';

/** A folder travels as one gzip tar; ORAS marks it so, and unpacks what is marked so. */
export const UNPACK = 'io.deis.oras.content.unpack';

/** One blob on its way into a repository. */
export interface ArtifactContent {
  readonly descriptor: Descriptor;
  /** From the start; may be called again after a broken connection. */
  open(): Promise<Readable>;
  /** Removes what was made on the way, where something was. */
  discard?(): Promise<void>;
}

export interface FoundManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** One repository of artifacts: of a registry, or an OCI layout folder. */
export interface ArtifactRepository {
  /** For messages. */
  readonly where: string;
  /**
   * By tag or digest; without one, the tag `latest` of a registry and the only image of a layout.
   * @throws REGISTRY_MANIFEST_UNKNOWN, TRANSPORT_IMAGE_MISSING, TRANSPORT_IMAGE_AMBIGUOUS
   */
  manifest(name: string | undefined): Promise<FoundManifest>;
  /** A stream that verifies itself when read whole. @throws BLOB_MISSING */
  blob(digest: Digest): Promise<Readable>;
  /** Does nothing where the blob is there already. */
  pushBlob(content: ArtifactContent): Promise<void>;
  /** Under a tag, or untagged under its digest. */
  pushManifest(descriptor: Descriptor, bytes: Buffer, tag: string | undefined): Promise<void>;
  /** What has `digest` as its subject, in a stable order. */
  referrers(digest: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
  close(): void;
}
