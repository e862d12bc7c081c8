import type { Digest } from '../oci/index.ts';

/** Bytes as they arrive. A stream given here is read, never destroyed: its owner still answers through its socket. */
export type UploadContent = AsyncIterable<Uint8Array>;

/** A blob as it was written. */
export interface Written {
  readonly digest: Digest;
  readonly size: number;
}

export interface UploadState {
  readonly id: string;
  /** Bytes that arrived so far. */
  readonly size: number;
  /** When the last of them did, in ms since the epoch. */
  readonly touched: number;
}

export interface UploadOptions {
  /** Offset the content begins at; it must be the end of what is there. Without it the content goes to the end. */
  readonly from?: number;
  /** Most bytes the whole upload may have. */
  readonly limit?: number;
}

/**
 * Uploads under way, beside the blobs they become: `store.uploads`. They belong to the store, not to a process: any
 * process that has the store open may go on with one, also after the one before it was killed. An upload belongs to an
 * `owner` (a repository) and does not exist for any other.
 */
export interface BlobUploads {
  /** @throws DISK_FULL */
  start(owner: string): Promise<UploadState>;
  /** @throws STORAGE_UPLOAD_UNKNOWN */
  state(owner: string, id: string): Promise<UploadState>;
  /**
   * Adds bytes at the end. When `content` fails midway, what came before stays, and `state` says how much.
   * @throws STORAGE_UPLOAD_UNKNOWN, STORAGE_UPLOAD_BUSY while another request writes to it, STORAGE_UPLOAD_OFFSET,
   * STORAGE_UPLOAD_TOO_LARGE (the upload is dropped), DISK_FULL (dropped too)
   */
  append(owner: string, id: string, content: UploadContent | undefined, options?: UploadOptions): Promise<UploadState>;
  /**
   * Adds the last bytes, checks the digest, syncs and makes a blob of it. The upload is over then, and also when its
   * bytes are wrong; it stays, and can be gone on with, when only the connection or the storage failed.
   * @throws what `append` throws, OCI_DIGEST_MISMATCH
   */
  finish(
    owner: string,
    id: string,
    content: UploadContent | undefined,
    digest: Digest,
    options?: UploadOptions,
  ): Promise<Written>;
  /** @throws STORAGE_UPLOAD_UNKNOWN, STORAGE_UPLOAD_BUSY */
  cancel(owner: string, id: string): Promise<void>;
  /** All uploads under way, of all processes. */
  list(): AsyncIterable<UploadState>;
  /** Drops what nobody touched since `before` (ms since the epoch) and nobody is writing to; returns how many. */
  expire(before: number): Promise<number>;
  /** Writes down what is only in memory, so that it can be gone on with after the process; absent where nothing is. */
  suspend?(): Promise<void>;
}
