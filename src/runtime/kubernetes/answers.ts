import { kubernetesError } from './errors.ts';

export interface KubernetesAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface KubernetesCall {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** A 200 has text, not JSON: logs. */
  readonly raw?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What the Kubernetes API calls a Status. */
export interface StatusObject {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: {
    readonly causes?: readonly { readonly field?: string; readonly message?: string; readonly reason?: string }[];
  };
}

const HINTS: Readonly<Record<number, string>> = {
  403: 'Grant the permissions of deploy/kubernetes/rbac.yaml: `kubectl apply --filename deploy/kubernetes/rbac.yaml`.',
};

export function refused(call: KubernetesCall, answer: KubernetesAnswer): Error {
  const { message } = (answer.body ?? {}) as StatusObject;
  if (answer.status >= 500 || answer.status === 429) {
    const what = `${call.method ?? 'GET'} ${call.path}`;
    return kubernetesError(
      'KUBERNETES_UNAVAILABLE',
      `the API server answers ${answer.status} to ${what} again and again`,
    );
  }
  const text = `the API server refused ${call.method ?? 'GET'} ${call.path}: ${answer.status} ${message ?? ''}`.trim();
  if (answer.status === 401) {
    return kubernetesError('KUBERNETES_LOGIN_REFUSED', text, { details: { status: 401 } });
  }
  return kubernetesError('KUBERNETES_REFUSED', text, {
    details: { status: answer.status },
    ...(HINTS[answer.status] === undefined ? {} : { hint: HINTS[answer.status] as string }),
  });
}
