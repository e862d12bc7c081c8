import type { BlobSource, Digest } from '../oci/index.ts';

/** Where manifests and blobs of an image lie: a layout, an archive, a registry's repository. */
export interface ImageSource extends BlobSource {
  /** For messages: path or `host/repository`. */
  readonly where: string;
  /** A small blob, verified. @throws BLOB_MISSING, BLOB_TOO_LARGE, OCI_DIGEST_MISMATCH */
  read(digest: Digest, limit: number): Promise<Buffer>;
  /** Undefined when it is missing; sources that would have to ask a server for each blob have no such method. */
  size?(digest: Digest): Promise<number | undefined>;
}
