import { FIELD_MANAGER } from './apply.ts';
import {
  type KubernetesAnswer,
  type KubernetesCall,
  type KubernetesClient,
  refused,
  type StatusObject,
} from './client.ts';
import { kubernetesError } from './errors.ts';
import { pathOf, type ResourceKind } from './objects.ts';

/** Where calls go, and until when. */
export interface Place {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly signal: AbortSignal | undefined;
}

const MERGE = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

export interface PatchStep {
  readonly op: 'test' | 'replace' | 'add' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

const causesOf = (answer: KubernetesAnswer) => (answer.body as StatusObject | undefined)?.details?.causes ?? [];

/** A change that was refused: because the namespace goes, by a policy, or for want of permission. */
export function refusal(call: KubernetesCall, answer: KubernetesAnswer): Error {
  const { message = '' } = (answer.body ?? {}) as StatusObject;
  if (
    causesOf(answer).some(({ reason }) => reason === 'NamespaceTerminating') ||
    /because it is being terminated/.test(message)
  ) {
    return kubernetesError('KUBERNETES_NAMESPACE_TERMINATING', `${call.path} cannot change: ${message}`);
  }
  const unpermitted = /\bcannot \w+ resource\b/.test(message);
  if (!unpermitted && /admission|denied (the )?request|exceeded quota|violates PodSecurity/i.test(message)) {
    return kubernetesError(
      'KUBERNETES_ADMISSION_REFUSED',
      `the cluster's policy refused to change ${call.path}: ${message}`,
      {
        details: { status: answer.status },
        hint: 'The image was not tried: have the policy accept it (its registry, its signature), then roll out again.',
      },
    );
  }
  return refused(call, answer);
}

/** Undefined when there is none. @throws KUBERNETES_REFUSED */
export async function getObject<T>(place: Place, kind: ResourceKind, name: string): Promise<T | undefined> {
  const call = { path: pathOf(kind, place.namespace, name), signal: place.signal };
  const answer = await place.client.call(call);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refused(call, answer);
  return answer.body as T;
}

/** @returns false when an object of that name exists. @throws KUBERNETES_ADMISSION_REFUSED, KUBERNETES_NAMESPACE_TERMINATING, KUBERNETES_REFUSED */
export async function createObject(place: Place, kind: ResourceKind, body: object): Promise<boolean> {
  const call = {
    method: 'POST',
    path: pathOf(kind, place.namespace),
    query: { fieldManager: FIELD_MANAGER },
    body,
    signal: place.signal,
  } as const;
  const answer = await place.client.call(call);
  if (answer.status === 409) return false;
  if (answer.status >= 300) throw refusal(call, answer);
  return true;
}

/** Its dependents go in the background; nothing happens where it is gone. @throws KUBERNETES_REFUSED */
export async function deleteObject(place: Place, kind: ResourceKind, name: string): Promise<void> {
  const call = {
    method: 'DELETE',
    path: pathOf(kind, place.namespace, name),
    query: { propagationPolicy: 'Background' },
    signal: place.signal,
  } as const;
  const answer = await place.client.call(call);
  if (answer.status >= 300 && answer.status !== 404) throw refused(call, answer);
}

/** JSON merge patch. @returns the object, or `conflict` when it is of another resourceVersion than the body names, or `gone`. */
export async function mergePatch<T>(
  place: Place,
  kind: ResourceKind,
  name: string,
  body: object,
): Promise<T | 'conflict' | 'gone'> {
  return await patch<T>(place, kind, name, MERGE, body);
}

/** JSON patch. @returns the object, or `conflict` when one of its `test` steps failed, or `gone`. */
export async function jsonPatch<T>(
  place: Place,
  kind: ResourceKind,
  name: string,
  steps: readonly PatchStep[],
): Promise<T | 'conflict' | 'gone'> {
  return await patch<T>(place, kind, name, JSON_PATCH, steps);
}

async function patch<T>(
  place: Place,
  kind: ResourceKind,
  name: string,
  contentType: string,
  body: object,
): Promise<T | 'conflict' | 'gone'> {
  const call = {
    method: 'PATCH',
    path: pathOf(kind, place.namespace, name),
    query: { fieldManager: FIELD_MANAGER },
    contentType,
    body,
    signal: place.signal,
  } as const;
  const answer = await place.client.call(call);
  if (answer.status === 404) return 'gone';
  if (answer.status === 409) return 'conflict';
  // A failed test step is 422 as well, and its message alone tells it from a refused value.
  const { message = '' } = (answer.body ?? {}) as StatusObject;
  if (
    answer.status === 422 &&
    contentType === JSON_PATCH &&
    /test|the server rejected our request due to an error in our request|missing path|nonexistent/i.test(message)
  )
    return 'conflict';
  if (answer.status >= 300) throw refusal(call, answer);
  return answer.body as T;
}

/**
 * What was written by a patch that is no apply leaves its writer in managedFields, and the next server-side apply of the
 * field's owner would conflict with it. Once a field is back at its old value, that entry is taken out again. With `Apply`,
 * what was applied is given up: its values stay until somebody else writes them.
 */
export async function disown(
  place: Place,
  kind: ResourceKind,
  name: string,
  written: 'Update' | 'Apply' = 'Update',
): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const object = await getObject<{
      metadata: { resourceVersion?: string; managedFields?: { manager?: string; operation?: string }[] };
    }>(place, kind, name);
    const fields = object?.metadata.managedFields ?? [];
    const at = fields.findIndex(({ manager, operation }) => manager === FIELD_MANAGER && operation === written);
    if (at < 0) return;
    const steps: PatchStep[] = [
      { op: 'test', path: '/metadata/resourceVersion', value: object?.metadata.resourceVersion },
      { op: 'remove', path: `/metadata/managedFields/${at}` },
    ];
    if ((await jsonPatch(place, kind, name, steps)) !== 'conflict') return;
  }
}
