import { errorFactory } from '../base/index.ts';

/** Where a code without its `REGISTRY_` is one of the distribution specification's, that is what the server answers. */
export const registryErrors = {
  REGISTRY_NAME_INVALID: { kind: 'usage', retryable: false, meaning: 'A repository name breaks the grammar.' },
  REGISTRY_NAME_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'A registry has no such repository.' },
  REGISTRY_TAG_INVALID: { kind: 'usage', retryable: false, meaning: 'A tag breaks the grammar.' },
  REGISTRY_DIGEST_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A digest does not parse, or the pushed bytes do not hash to it.',
  },
  REGISTRY_SIZE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'Pushed content is over a limit of the registry.',
  },
  REGISTRY_RANGE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A chunk does not follow the bytes before it, or a range lies outside the blob.',
  },
  REGISTRY_BLOB_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'A repository has no such blob.' },
  REGISTRY_BLOB_UPLOAD_UNKNOWN: {
    kind: 'usage',
    retryable: false,
    meaning: 'An upload does not exist, expired, or belongs to another repository.',
  },
  REGISTRY_BLOB_UPLOAD_INVALID: { kind: 'usage', retryable: false, meaning: 'An upload cannot go on like this.' },
  REGISTRY_MANIFEST_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'A repository has no such tag or manifest.' },
  REGISTRY_MANIFEST_INVALID: { kind: 'usage', retryable: false, meaning: 'A pushed manifest is not one.' },
  REGISTRY_MANIFEST_BLOB_UNKNOWN: {
    kind: 'usage',
    retryable: false,
    meaning: 'A pushed manifest names a blob or manifest that its repository does not have.',
  },
  REGISTRY_TAGS_TOO_MANY: {
    kind: 'usage',
    retryable: false,
    meaning: 'One push sets more tags than a registry takes.',
  },
  REGISTRY_PRECONDITION_FAILED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A tag does not name what the client said it must (If-Match, If-None-Match): somebody else moved it.',
  },
  REGISTRY_PAGINATION_NUMBER_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'The number of names asked for in a list is none.',
  },
  REGISTRY_UNSUPPORTED: { kind: 'usage', retryable: false, meaning: 'The registry has no such operation.' },
  REGISTRY_UNAUTHORIZED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A registry wants credentials, or refuses those it got.',
  },
  REGISTRY_DENIED: { kind: 'failed', retryable: false, meaning: 'A registry does not allow this to this account.' },
  REGISTRY_TOOMANYREQUESTS: { kind: 'failed', retryable: true, meaning: 'A registry asks to slow down.' },
  REGISTRY_UNREACHABLE: {
    kind: 'failed',
    retryable: true,
    meaning: 'A registry does not answer, or its connection broke or stalled.',
  },
  REGISTRY_UNAVAILABLE: { kind: 'failed', retryable: true, meaning: 'A registry answers with a server error.' },
  REGISTRY_REFUSED: { kind: 'failed', retryable: false, meaning: 'A registry answers with an error we do not expect.' },
  REGISTRY_ANSWER_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A registry answers with something the distribution specification does not allow, or too much of it.',
  },
  REGISTRY_QUOTA_EXCEEDED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A repository, a namespace or the registry holds as much as it may.',
  },
  REGISTRY_STORAGE_FULL: {
    kind: 'failed',
    retryable: true,
    meaning: 'The disk of a registry is full up to its reserve.',
  },
  REGISTRY_BODY_STALLED: { kind: 'failed', retryable: true, meaning: 'A client stopped sending, or trickles.' },
  REGISTRY_GRACE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'Garbage collection was asked to delete what somebody may count on still.',
  },
  REGISTRY_AUTH_FILE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file of registry credentials is not readable as such.',
  },
  REGISTRY_MIRROR_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A mirror names no repositories here, or no registry to mirror.',
  },
} as const;

export const registryError = errorFactory(registryErrors);
