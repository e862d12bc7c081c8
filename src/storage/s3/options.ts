/** Where blobs lie in an S3 API, and how to reach it. Credentials not given come from the standard AWS chain. */
export interface S3Options {
  readonly bucket: string;
  /** Folder inside the bucket, without slashes at its ends; none by default. */
  readonly prefix?: string;
  /** URL of the API; Amazon's for the region by default. */
  readonly endpoint?: string;
  /** From the AWS configuration by default, else us-east-1. */
  readonly region?: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`; by default where an endpoint is given. */
  readonly pathStyle?: boolean;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Server-side encryption: `AES256`, or `aws:kms` with a key's id. Without it the bucket's own setting holds. */
  readonly encryption?: 'AES256' | 'aws:kms';
  readonly encryptionKey?: string;
  /** Whether pulls are sent to the bucket (307 to a signed URL); true by default. */
  readonly redirects?: boolean;
  /** Local folder for what is made as a file before it is uploaded. */
  readonly scratch: string;
  /** Tries of one request; 5 by default, with growing random pauses. */
  readonly attempts?: number;
  /** Milliseconds without an answer after which a request is tried again; 60,000 by default. */
  readonly timeout?: number;
  /** Milliseconds; see RENEW_AFTER, the default. */
  readonly renewAfter?: number;
}

/** Bytes of a part of a multipart upload: S3 takes 5 MiB to 5 GiB, and 10,000 parts, which makes 78 GiB a blob. */
export const PART_SIZE = 8 * 1024 * 1024;

/** Seconds for which a signed URL of a redirect works: long enough for a client to begin, which is all it needs. */
export const REDIRECT_SECONDS = 1_200;
