import { errorFactory } from '../base/index.ts';

export const sourceErrors = {
  SOURCE_REFUSED: {
    kind: 'usage',
    retryable: false,
    meaning: 'A URL, ref, path or credential of a source is of a form that could make git do something else.',
  },
  SOURCE_CREDENTIALS_UNREADABLE: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file or environment variable that is to hold the credentials of a source cannot be read.',
  },
  SOURCE_REF_UNKNOWN: {
    kind: 'failed',
    retryable: false,
    meaning: 'The repository of a source has no such ref, commit or path, or several of the name.',
  },
  SOURCE_UNREACHABLE: {
    kind: 'failed',
    retryable: true,
    meaning: 'The server of a source does not answer, answers wrongly, or stopped in the middle.',
  },
  SOURCE_DENIED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The server of a source does not know the repository, or refuses these credentials.',
  },
  SOURCE_HOST_UNTRUSTED: {
    kind: 'failed',
    retryable: false,
    meaning:
      'The server of a source is not who it should be: its ssh host key is unknown or has changed, or its certificate does not verify.',
  },
  SOURCE_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A source has more bytes, files or submodules than allowed, or took longer.',
  },
  SOURCE_UNSAFE: {
    kind: 'failed',
    retryable: false,
    meaning: 'A source holds what must not be unpacked: links out of it, names such as .git, devices.',
  },
  SOURCE_HASH_MISMATCH: {
    kind: 'failed',
    retryable: false,
    meaning: 'An archive does not have the sha256 that the fleet file says.',
  },
  SOURCE_DAMAGED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A stored source is missing or no longer has the content it was stored with.',
  },
  SOURCE_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'No stored source has this commit or tree.' },
  SOURCE_GIT_MISSING: { kind: 'usage', retryable: false, meaning: 'The program git is not installed.' },
} as const;

export const sourceError = errorFactory(sourceErrors);
