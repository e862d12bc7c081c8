import { errorFactory } from '../../base/index.ts';

export const engineHostErrors = {
  ENGINE_HOST_UNAVAILABLE: {
    kind: 'failed',
    retryable: true,
    meaning: 'No podman or Docker API answers on this host.',
  },
  ENGINE_HOST_UNTRUSTED: {
    kind: 'failed',
    retryable: false,
    meaning:
      'An engine host is not known to be the right one: unknown or changed host key, wrong or expired certificate, no TLS.',
  },
  ENGINE_HOST_LOGIN_FAILED: {
    kind: 'failed',
    retryable: false,
    meaning: 'An engine host refused our key or certificate.',
  },
  ENGINE_HOST_ENDPOINT_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'An address, Docker context or podman connection names no engine that can be connected to.',
  },
  ENGINE_HOST_REFUSED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The podman or Docker API refused a request; the message is its own.',
  },
  ENGINE_HOST_PULL_FAILED: {
    kind: 'failed',
    retryable: true,
    meaning: 'The engine could not pull an image; nothing was replaced.',
  },
  ENGINE_HOST_WORKLOAD_MISSING: {
    kind: 'usage',
    retryable: false,
    meaning: 'No container of the named workload exists on this engine.',
  },
  ENGINE_HOST_NOT_REPLACEABLE: {
    kind: 'failed',
    retryable: false,
    meaning:
      'A container belongs to a pod or a systemd unit, or others live in its namespaces: replacing it alone would break it.',
  },
  ENGINE_HOST_FRONT_ELSEWHERE: {
    kind: 'failed',
    retryable: false,
    meaning: 'The front of the workload is owned by another process, so this one cannot hand over requests.',
  },
  ENGINE_HOST_STRATEGY_IMPOSSIBLE: {
    kind: 'usage',
    retryable: false,
    meaning:
      'The workload cannot be rolled out by that strategy: one copy, no front, or old and new cannot run at once.',
  },
  ENGINE_HOST_ROLLBACK_INCOMPLETE: {
    kind: 'failed',
    retryable: true,
    meaning: 'A rollout failed, and putting the previous image back failed too; healthy copies were left running.',
  },
} as const;

export const engineHostError = errorFactory(engineHostErrors);
