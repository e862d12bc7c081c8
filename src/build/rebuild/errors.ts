import { errorFactory } from '../../base/index.ts';

export const rebuildErrors = {
  REBUILD_DOCKERFILE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A Dockerfile cannot be read, is too large, or says something that cannot be built without network.',
  },
  REBUILD_DESCRIPTION_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning:
      'A KIWI description cannot be read, is too large, makes no container image, or names something that cannot be locked.',
  },
  REBUILD_CONTEXT_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A build context is missing, no folder, or larger than a context may be.',
  },
  REBUILD_BUILDER_MISSING: {
    kind: 'failed',
    retryable: false,
    meaning: 'No builder (Buildah, BuildKit, kiwi), or something it needs, is installed on this machine.',
  },
  REBUILD_FAILED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The builder ended with an error; the message has its last words.',
  },
  REBUILD_PLATFORM_FOREIGN: {
    kind: 'failed',
    retryable: false,
    meaning: 'A build runs a program of a platform that this machine can neither run nor emulate.',
  },
  REBUILD_NETWORK_REFUSED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A build failed after it tried to reach something that is neither locked nor a package repository.',
  },
  REBUILD_TIMEOUT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A build ran longer than its limit; it and everything it started were killed.',
  },
  REBUILD_OUTPUT_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A build printed more than its limit; it and everything it started were killed.',
  },
  REBUILD_LOCK_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A lock file of a Dockerfile is not what heraklit writes.',
  },
  REBUILD_LOCK_STALE: {
    kind: 'failed',
    retryable: false,
    meaning:
      'The lock was made for another Dockerfile, other arguments or another platform, and the build was told to keep to it.',
  },
  REBUILD_SNAPSHOT_UNVERIFIED: {
    kind: 'failed',
    retryable: false,
    meaning: 'What a build fetched is not what its distribution signed, or not what the lock says.',
  },
  REBUILD_SNAPSHOT_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A build fetched more files or bytes than a snapshot may hold.',
  },
  REBUILD_SNAPSHOT_MISSING: {
    kind: 'failed',
    retryable: true,
    meaning: 'Locked content is not in this home, and cannot be fetched again as the lock names it.',
  },
  REBUILD_SECRET_KEPT: {
    kind: 'failed',
    retryable: false,
    meaning:
      'A secret that was mounted into a build stands in the image that came out of it; the image was thrown away.',
  },
} as const;

export const rebuildError = errorFactory(rebuildErrors);
