import { errorFactory } from '../base/index.ts';

export const rolloutErrors = {
  ROLLOUT_DIGEST_QUARANTINED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A digest that failed a test or a rollout before is refused until its quarantine is lifted.',
  },
  ROLLOUT_WORKLOAD_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'No runtime has a workload of that name.' },
  ROLLOUT_NO_RUNTIME: {
    kind: 'failed',
    retryable: true,
    meaning: 'No runtime is usable: neither a cluster nor podman or Docker answers.',
  },
} as const;

export const rolloutError = errorFactory(rolloutErrors);
