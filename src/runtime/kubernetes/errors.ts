import { type ErrorOptions, errorFactory, type HeraklitError, isHeraklitError } from '../../base/index.ts';

export const kubernetesErrors = {
  KUBERNETES_UNAVAILABLE: {
    kind: 'failed',
    retryable: true,
    meaning: 'The Kubernetes API server does not answer, or the kubeconfig names none.',
  },
  KUBERNETES_LOGIN_REFUSED: {
    kind: 'failed',
    retryable: true,
    meaning:
      'The Kubernetes API server does not take the token or certificate (401): expired, revoked, or of another cluster. What is under way stays where it is.',
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

type Code = keyof typeof kubernetesErrors;

/** What helps where the place that fails knows nothing better. */
const HINTS: Readonly<Record<Code, string>> = {
  KUBERNETES_UNAVAILABLE:
    'See that the API server of the kubeconfig answers (`kubectl get --raw /readyz`). What was begun stays as it is; the same call goes on there.',
  KUBERNETES_LOGIN_REFUSED:
    'The token or certificate of the kubeconfig has expired or is not known to the cluster: renew it, and look with `kubectl auth whoami`. Token files, exec plug-ins and the kubeconfig are read anew; what was begun goes on with `heraklit rollout resume N`.',
  KUBERNETES_REFUSED:
    'The message is the cluster’s own. Where it speaks of rights, grant those of deploy/kubernetes/rbac.yaml.',
  KUBERNETES_CONFLICT:
    'Something else writes these fields again and again (the message, or `kubectl get -o yaml --show-managed-fields`, names it): have it leave them to heraklit, then roll out again.',
  KUBERNETES_WORKLOAD_MISSING: 'See what is there: `heraklit where`, or `kubectl get` in that namespace.',
  KUBERNETES_DEBUG_FAILED: 'See the events of the pod: `kubectl describe pod`.',
  KUBERNETES_STREAM_FAILED: 'See that the pod still runs (`kubectl get pod`) and try again.',
  KUBERNETES_ROLLBACK_INCOMPLETE:
    'See why its pods are not ready (`kubectl describe`, `kubectl logs`); the next rollout of the workload begins by clearing this one up.',
  KUBERNETES_ROLLOUT_BUSY: 'Wait for the other one, or end it where it runs (`heraklit rollout abort`).',
  KUBERNETES_STRATEGY_NOT_APPLICABLE:
    'Ask for another strategy for this workload; docs/rollout.md says what each needs.',
  KUBERNETES_NAMESPACE_TERMINATING: 'Nothing is to be done: its workloads go with it.',
  KUBERNETES_ADMISSION_REFUSED:
    'Have the policy or quota that the message names allow the change, then roll out again.',
  KUBERNETES_WORKLOAD_PAUSED: 'Resume it: `kubectl rollout resume`.',
  KUBERNETES_NAME_TAKEN: 'Rename or remove the object that the message names.',
};

const coded = errorFactory(kubernetesErrors);

export const kubernetesError = (code: Code, message: string, options: ErrorOptions = {}): HeraklitError =>
  coded(code, message, { hint: HINTS[code], ...options });

/** Nothing is known of the cluster for now, and nothing is wrong with what was asked: it may answer later. */
export const isAway = (error: unknown): boolean =>
  isHeraklitError(error, 'KUBERNETES_UNAVAILABLE', 'KUBERNETES_LOGIN_REFUSED');
