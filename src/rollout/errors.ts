import { errorFactory } from '../base/index.ts';

export const rolloutErrors = {
  ROLLOUT_DIGEST_QUARANTINED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A digest that failed a test or a rollout before is refused until its quarantine is lifted.',
  },
  ROLLOUT_NOT_QUARANTINED: { kind: 'usage', retryable: false, meaning: 'A quarantine is to be lifted that is none.' },
  ROLLOUT_WORKLOAD_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'No runtime has a workload of that name.' },
  ROLLOUT_NO_RUNTIME: {
    kind: 'failed',
    retryable: true,
    meaning: 'No runtime is usable: neither a cluster nor podman or Docker answers.',
  },
  ROLLOUT_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'There is no rollout of that number.' },
  ROLLOUT_STATE: {
    kind: 'usage',
    retryable: false,
    meaning: 'A rollout is not in a state in which that can be done: paused twice, resumed while it waits, ended.',
  },
  ROLLOUT_NOT_APPROVER: {
    kind: 'usage',
    retryable: false,
    meaning: 'rollout.approvers does not name the account that approves.',
  },
  ROLLOUT_ZONE_REFUSED: {
    kind: 'failed',
    retryable: false,
    meaning: 'An image would enter a network zone that takes only what proved good in another one before.',
  },
  ROLLOUT_STAGE_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'rollout.stages has no stage of that name.' },
  ROLLOUT_IMAGE_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'The fleet has released nothing of that name.' },
  ROLLOUT_STAGE_SKIPPED: {
    kind: 'usage',
    retryable: false,
    meaning: 'An image would be promoted to a stage without having passed the one before.',
  },
  ROLLOUT_FLEET_NEEDED: {
    kind: 'usage',
    retryable: false,
    meaning: 'Stages and zones stand in the fleet file, and none is known here.',
  },
  ROLLOUT_NO_WAY_BACK: {
    kind: 'usage',
    retryable: false,
    meaning: 'Nobody knows by digest what ran before, so there is nothing to roll back to.',
  },
  ROLLOUT_HELD: {
    kind: 'failed',
    retryable: true,
    meaning: 'Another process carries the rollout on right now.',
  },
} as const;

export const rolloutError = errorFactory(rolloutErrors);
