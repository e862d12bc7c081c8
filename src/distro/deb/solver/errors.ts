import { errorFactory } from '../../../base/index.ts';

export const solverErrors = {
  SOLVE_UNKNOWN_PACKAGE: {
    kind: 'failed',
    retryable: false,
    meaning: 'A requested package, or the requested version of it, is in none of the repositories.',
  },
  SOLVE_CONFLICT: {
    kind: 'failed',
    retryable: false,
    meaning: 'The requested packages cannot be installed together: a dependency cannot be met.',
  },
} as const;

export const solverError = errorFactory(solverErrors);
