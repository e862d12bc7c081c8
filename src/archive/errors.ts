import { errorFactory } from '../base/index.ts';

export const archiveErrors = {
  ARCHIVE_CORRUPT: {
    kind: 'failed',
    retryable: false,
    meaning: 'An archive or compressed stream is damaged: bad checksum, bad number, truncated, trailing nonsense.',
  },
  ARCHIVE_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'An archive unpacks to more bytes, entries, path length or depth than its limit (decompression bomb).',
  },
  ARCHIVE_PATH_ESCAPE: {
    kind: 'failed',
    retryable: false,
    meaning: 'An archive entry would land outside the folder it is unpacked into.',
  },
  ARCHIVE_UNSUPPORTED: {
    kind: 'failed',
    retryable: false,
    meaning: 'An archive uses a feature no container layer or package has: sparse files, multiple volumes, bzip2.',
  },
  ARCHIVE_OWNER_UNMAPPED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A file of an archive belongs to a user or group that the user namespace heraklit runs in has no id for.',
  },
  ARCHIVE_SIZE_MISMATCH: {
    kind: 'failed',
    retryable: false,
    meaning: 'Content written to an archive is not as long as its header announced.',
  },
} as const;

export const archiveError = errorFactory(archiveErrors);
