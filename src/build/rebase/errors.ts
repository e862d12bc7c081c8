import { errorFactory } from '../../base/index.ts';

export const rebaseErrors = {
  REBASE_NOT_A_CHILD: {
    kind: 'failed',
    retryable: false,
    meaning: 'The image does not start with the layers of the base it is said to be built on.',
  },
  REBASE_REFUSED: {
    kind: 'failed',
    retryable: false,
    meaning:
      'Swapping the base could change what the child does; the safety report names each reason. Rebuild instead.',
  },
} as const;

export const rebaseError = errorFactory(rebaseErrors);
