import { errorFactory } from '../base/index.ts';

export const verifyErrors = {
  VERIFY_ENVIRONMENT: {
    kind: 'failed',
    retryable: true,
    meaning:
      'An image could not be tested: a service it depends on, the engine or the cluster failed. It is not to blame.',
  },
  VERIFY_TESTS_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'Tests ask for what the fleet file does not allow, or for an image or volume that is not there.',
  },
} as const;

export const verifyError = errorFactory(verifyErrors);
