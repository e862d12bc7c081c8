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
  KUBERNETES_ROLLBACK_INCOMPLETE: {
    kind: 'failed',
    retryable: true,
    meaning: 'A rollout failed and the previous image did not become healthy again within the deadline.',
  },
} as const;

export const kubernetesError = errorFactory(kubernetesErrors);
