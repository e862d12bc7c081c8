import { errorFactory } from '../base/index.ts';

export const storageErrors = {
  BLOB_MISSING: { kind: 'failed', retryable: false, meaning: 'A blob that something names is not where it should be.' },
  BLOB_TOO_LARGE: { kind: 'failed', retryable: false, meaning: 'A blob is larger than its reader accepts in memory.' },
  BLOB_RANGE_INVALID: { kind: 'usage', retryable: false, meaning: 'A byte range lies outside its blob.' },
  STORAGE_LAYOUT_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A folder is no OCI image layout: oci-layout or index.json is missing, unreadable or of another version.',
  },
  STORAGE_LOCKED: {
    kind: 'failed',
    retryable: true,
    meaning: 'Another process held the lock of a layout for longer than we wait.',
  },
  STORAGE_UPLOAD_UNKNOWN: {
    kind: 'usage',
    retryable: false,
    meaning: 'An upload into a store does not exist, expired, or belongs to another repository.',
  },
  STORAGE_UPLOAD_BUSY: {
    kind: 'failed',
    retryable: true,
    meaning: 'Another request, perhaps of another process, is writing to an upload.',
  },
  STORAGE_UPLOAD_OFFSET: {
    kind: 'usage',
    retryable: false,
    meaning: 'Bytes of an upload do not follow those before them.',
  },
  STORAGE_UPLOAD_TOO_LARGE: {
    kind: 'usage',
    retryable: false,
    meaning: 'An upload has more bytes than a blob may have.',
  },
  STORAGE_URL_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A text that should name a blob storage (s3://BUCKET/PREFIX?…) does not.',
  },
  STORAGE_S3_DENIED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The S3 API refuses our credentials, or what they may do.',
  },
  STORAGE_S3_BUCKET: {
    kind: 'usage',
    retryable: false,
    meaning: 'The bucket of the blob storage does not exist, or lies in another region.',
  },
  STORAGE_S3_UNAVAILABLE: {
    kind: 'failed',
    retryable: true,
    meaning: 'The S3 API does not answer, or answers with a server error, also when tried again.',
  },
  STORAGE_S3_REFUSED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The S3 API refuses a request that it should take.',
  },
} as const;

export const storageError = errorFactory(storageErrors);
