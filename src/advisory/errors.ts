import { errorFactory } from '../base/index.ts';

export const advisoryErrors = {
  ADVISORY_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'An advisory document is not well-formed, or not of the format it was taken for.',
  },
  ADVISORY_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'An advisory document is larger, deeper or longer than any honest one.',
  },
  ADVISORY_TYPE_UNKNOWN: {
    kind: 'usage',
    retryable: false,
    meaning: 'The format of an advisory document was not recognised.',
  },
  ADVISORY_DISTRIBUTION_NEEDED: {
    kind: 'usage',
    retryable: false,
    meaning: 'An advisory document does not say which distribution it is for, and the caller did not either.',
  },
} as const;

export const advisoryError = errorFactory(advisoryErrors);
