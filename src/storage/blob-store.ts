import type { Readable } from 'node:stream';
import type { BlobSource, Digest } from '../oci/index.ts';
import type { BlobUploads, UploadContent } from './blob-uploads.ts';

/** Bytes `start`…`end`, both inclusive (RFC 9110 byte ranges). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface BlobFacts {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch, by the clock of whoever wrote it. */
  readonly modified: number;
}

export interface StoredBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/**
 * Content-addressed blobs. A blob is visible only when whole, verified and synced; writing one that is there only
 * renews it.
 * Implementations: filesystem (an OCI layout's blobs/) and S3. One contract suite serves both.
 */
export interface BlobStore extends BlobSource {
  has(digest: Digest): Promise<boolean>;
  /** Size in bytes, undefined when missing. */
  size(digest: Digest): Promise<number | undefined>;
  /** @throws BLOB_MISSING. A ranged stream cannot verify itself. */
  open(digest: Digest, range?: ByteRange): Promise<Readable>;
  /** Whole blob in memory, verified. @throws BLOB_MISSING, BLOB_TOO_LARGE above `limit` bytes. */
  read(digest: Digest, limit: number): Promise<Buffer>;
  /** Bytes in memory → blob. */
  put(bytes: Uint8Array): Promise<{ digest: Digest; size: number }>;
  /** Many small blobs at once, results in the same order; cheaper than `put` in a loop because syncs are shared. */
  putMany(blobs: readonly Uint8Array[]): Promise<readonly { digest: Digest; size: number }[]>;
  /**
   * Streams into the store while hashing. Without `expected` the digest is what the bytes hash to.
   * @throws OCI_DIGEST_MISMATCH, and keeps nothing
   */
  write(
    content: UploadContent,
    expected?: { digest: Digest; size?: number },
  ): Promise<{ digest: Digest; size: number }>;
  /**
   * A scratch file on the store's own file system, for producers that write a file themselves (layer builder, upload).
   * `commit` hashes unless told the digest was computed while writing, syncs and renames; `discard` removes it.
   */
  scratch(): Promise<BlobScratch>;
  delete(digest: Digest): Promise<boolean>;
  /** Size, and when it was last written or renewed; undefined when missing. */
  stat(digest: Digest): Promise<BlobFacts | undefined>;
  /** Milliseconds after which whoever counts on a blob renews it; RENEW_AFTER where it is not given. */
  readonly renewAfter?: number;
  /** Sets `modified` to now, so that collection leaves the blob for its grace; false when missing. See `relyOn`. */
  renew(digest: Digest): Promise<boolean>;
  /**
   * Deletes those of `digests` that were last written or renewed before `before` (milliseconds since the epoch); a blob
   * renewed meanwhile stays. Returns what is gone.
   */
  deleteOld(digests: readonly Digest[], before: number): Promise<readonly StoredBlob[]>;
  list(): AsyncIterable<{ digest: Digest; size: number; modified: number }>;
  /** Local path of a blob where it is a plain file (sendfile, mmap, overlay); undefined elsewhere. */
  localPath(digest: Digest): string | undefined;
  /** URL under which clients fetch a blob themselves, for some minutes; absent where the store has none. */
  redirect?(digest: Digest): Promise<string>;
  /** Uploads under way: resumable, of any process, and never visible as blobs. */
  readonly uploads: BlobUploads;
}

export interface BlobScratch {
  readonly path: string;
  commit(known?: { digest: Digest; size: number }): Promise<{ digest: Digest; size: number }>;
  discard(): Promise<void>;
}
