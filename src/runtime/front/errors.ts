import { errorFactory } from '../../base/index.ts';

export const frontErrors = {
  FRONT_LISTEN_FAILED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The front of a workload cannot listen on its address: taken by another process, or not permitted.',
  },
} as const;

export const frontError = errorFactory(frontErrors);
