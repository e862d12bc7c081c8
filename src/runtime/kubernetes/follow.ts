import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../base/index.ts';
import { type KubernetesClient, refused } from './client.ts';
import { kubernetesError } from './errors.ts';
import { pathOf, type RunKind, type WorkloadObject } from './objects.ts';

/** Milliseconds before a broken watch is opened again. */
const REOPEN = 200;

/** @throws KUBERNETES_WORKLOAD_MISSING */
export async function readWorkload(
  client: KubernetesClient,
  kind: RunKind,
  namespace: string,
  name: string,
  signal?: AbortSignal,
): Promise<WorkloadObject> {
  const call = { path: pathOf(kind, namespace, name), signal };
  const answer = await client.call(call);
  if (answer.status === 200) return answer.body as WorkloadObject;
  if (answer.status !== 404) throw refused(call, answer);
  throw kubernetesError('KUBERNETES_WORKLOAD_MISSING', `there is no ${kind} ${namespace}/${name} in the cluster`);
}

/** States from one watch; returns where the next one begins, or undefined when only a fresh read helps (410 Gone). */
async function* watchOnce(
  client: KubernetesClient,
  kind: RunKind,
  [namespace, name]: readonly [string, string],
  from: string,
  signal: AbortSignal,
): AsyncGenerator<WorkloadObject, string | undefined> {
  let version = from;
  const query = { fieldSelector: `metadata.name=${name}`, resourceVersion: from };
  for await (const event of client.watch(pathOf(kind, namespace), query, signal)) {
    if (event.type === 'ERROR') return undefined;
    const changed = event.object as WorkloadObject;
    version = changed.metadata.resourceVersion ?? version;
    if (event.type === 'DELETED') {
      throw kubernetesError('KUBERNETES_WORKLOAD_MISSING', `${kind} ${namespace}/${name} was deleted meanwhile`);
    }
    if (event.type !== 'BOOKMARK') yield changed;
  }
  return version === from ? undefined : version;
}

/**
 * Every state of one object from now on. A watch that ends, breaks or has expired (410 Gone) is opened again, after a fresh
 * read where needed, so a state may come twice and states in between may be missed, as with any Kubernetes client.
 */
export async function* followWorkload(
  client: KubernetesClient,
  kind: RunKind,
  namespace: string,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<WorkloadObject> {
  for (;;) {
    const object = await readWorkload(client, kind, namespace, name, signal);
    yield object;
    let version = object.metadata.resourceVersion;
    try {
      while (version !== undefined) version = yield* watchOnce(client, kind, [namespace, name], version, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isHeraklitError(error, 'KUBERNETES_UNAVAILABLE')) throw error;
    }
    await sleep(REOPEN, undefined, { signal });
  }
}
