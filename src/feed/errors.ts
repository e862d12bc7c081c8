import { errorFactory } from '../base/index.ts';

export const feedErrors = {
  FEED_NO_MIRROR: { kind: 'usage', retryable: false, meaning: 'No mirror of a distribution is known.' },
  FEED_MIRROR_INVALID: { kind: 'usage', retryable: false, meaning: 'A mirror is not an http, https or file URL.' },
  FEED_DISTRIBUTION_UNKNOWN: {
    kind: 'usage',
    retryable: false,
    meaning: 'heraklit does not know the repositories of a distribution, or not the pocket asked for.',
  },
  FEED_UNREACHABLE: {
    kind: 'failed',
    retryable: true,
    meaning: 'A mirror does not answer, breaks off, or answers with a server error.',
  },
  FEED_NOT_FOUND: { kind: 'failed', retryable: false, meaning: 'A mirror does not have a file it should have.' },
  FEED_HASH_MISMATCH: {
    kind: 'failed',
    retryable: true,
    meaning: 'A file from a mirror has another size or hash than the signed index says.',
  },
  FEED_INDEX_MISSING: {
    kind: 'failed',
    retryable: false,
    meaning: 'A repository has no package index for the component and architecture asked for.',
  },
  FEED_REPOSITORIES_UNUSABLE: {
    kind: 'usage',
    retryable: false,
    meaning: 'Repositories were named by URL for a distribution whose format takes mirrors and pockets.',
  },
  FEED_NO_SNAPSHOT: {
    kind: 'failed',
    retryable: false,
    meaning: 'Neither a snapshot mirror nor what this home recorded has a repository’s state of the date asked for.',
  },
  FEED_MODULES_INVALID: {
    kind: 'failed',
    retryable: true,
    meaning: 'A repository’s list of modules (modules.yaml) is damaged or hostile.',
  },
  FEED_UNTRUSTED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A repository’s index is neither signed nor came over https, and nobody said to trust it.',
  },
  FEED_OFFLINE: {
    kind: 'failed',
    retryable: false,
    meaning: 'Something is not in the cache and the network was ruled out.',
  },
  FEED_DOCUMENT_UNREADABLE: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file or folder of advisories is not there, may not be read, or is an archive that does not open.',
  },
  FEED_DOCUMENT_TOO_LARGE: {
    kind: 'failed',
    retryable: false,
    meaning: 'A document of advisories, or an archive of them, is larger than any that is published.',
  },
  FEED_DOCUMENT_EMPTY: {
    kind: 'failed',
    retryable: false,
    meaning: 'A file, folder or archive holds no advisory; what was imported from it before is kept.',
  },
  FEED_KEY_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file holds no ed25519 key in PEM form, or the other half of the pair.',
  },
  FEED_BUNDLE_UNTRUSTED: {
    kind: 'failed',
    retryable: false,
    meaning: 'An offline bundle was not signed by the key given, or its manifest was changed.',
  },
  FEED_BUNDLE_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'An offline bundle is cut short, damaged, of another version, or holds what has no place in one.',
  },
  FEED_BUNDLE_EMPTY: { kind: 'usage', retryable: false, meaning: 'There is nothing to put into an offline bundle.' },
} as const;

export const feedError = errorFactory(feedErrors);
