import { errorFactory } from '../../base/index.ts';

export const kubernetesErrors = {
  KUBERNETES_UNAVAILABLE: {
    kind: 'failed',
    retryable: true,
    meaning: 'The Kubernetes API server does not answer, or the kubeconfig names none.',
  },
  KUBERNETES_REFUSED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The Kubernetes API server refused a request; the message is its own.',
  },
  KUBERNETES_CONFLICT: {
    kind: 'failed',
    retryable: false,
    meaning: 'Server-side apply met another field manager on a field that is not ours to force.',
  },
  KUBERNETES_WORKLOAD_MISSING: {
    kind: 'usage',
    retryable: false,
    meaning: 'The workload, or the container in it, does not exist in the cluster.',
  },
  KUBERNETES_DEBUG_FAILED: {
    kind: 'failed',
    retryable: true,
    meaning: 'A debug container did not start in its pod, or the connection to it broke; it may still run there.',
  },
  KUBERNETES_STREAM_FAILED: {
    kind: 'failed',
    retryable: true,
    meaning:
      'A command in a pod or a connection to one of its ports could not be opened by the API server or the node.',
  },
  KUBERNETES_ROLLBACK_INCOMPLETE: {
    kind: 'failed',
    retryable: true,
    meaning: 'A rollout failed and the previous image did not become healthy again within the deadline.',
  },
  KUBERNETES_ROLLOUT_BUSY: {
    kind: 'failed',
    retryable: true,
    meaning:
      'Another process is rolling out to this workload now: it holds the claim in the annotation io.heraklit.rollout.',
  },
  KUBERNETES_STRATEGY_NOT_APPLICABLE: {
    kind: 'usage',
    retryable: false,
    meaning:
      'The workload, or what stands in front of it, cannot be rolled out by the strategy asked for; nothing was changed.',
  },
  KUBERNETES_NAMESPACE_TERMINATING: {
    kind: 'failed',
    retryable: false,
    meaning: 'The namespace of the workload is being deleted.',
  },
  KUBERNETES_ADMISSION_REFUSED: {
    kind: 'failed',
    retryable: false,
    meaning:
      'An admission policy of the cluster refused the change (an image policy, a quota, a webhook); nothing was changed.',
  },
  KUBERNETES_WORKLOAD_PAUSED: {
    kind: 'failed',
    retryable: true,
    meaning: 'The Deployment is paused, by somebody who wants it so; nothing was changed.',
  },
  KUBERNETES_NAME_TAKEN: {
    kind: 'failed',
    retryable: false,
    meaning: 'An object of the name that a canary or blue-green copy would have exists and is not ours.',
  },
} as const;

export const kubernetesError = errorFactory(kubernetesErrors);
