import type { RolloutOutcome, RolloutRequest } from '../port.ts';
import { Annotation, applyBody, FIELD_MANAGER, type ImageChange, mayForce } from './apply.ts';
import { type KubernetesClient, refused, type StatusObject } from './client.ts';
import { kubernetesError } from './errors.ts';
import { followWorkload, readWorkload } from './follow.ts';
import { digestIn } from './list.ts';
import { containersOf, type Pod, pathOf, type WorkloadKind, type WorkloadObject } from './objects.ts';
import { type Blame, blamePods, rolloutStatus } from './status.ts';

interface Target {
  readonly client: KubernetesClient;
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  readonly signal: AbortSignal | undefined;
}

/** Server-side apply; another manager's hold is forced only on what `mayForce` calls ours. @throws KUBERNETES_CONFLICT */
async function apply(target: Target, object: WorkloadObject, change: ImageChange): Promise<void> {
  const { client, kind, namespace, name, signal } = target;
  const call = {
    method: 'PATCH',
    path: pathOf(kind, namespace, name),
    contentType: 'application/apply-patch+yaml',
    body: applyBody(kind, object, change),
    signal,
  } as const;
  const first = await client.call({ ...call, query: { fieldManager: FIELD_MANAGER } });
  if (first.status === 200) return;
  const status = first.body as StatusObject;
  if (first.status !== 409) throw refused(call, first);
  const fields = (status.details?.causes ?? []).map(({ field }) => field);
  if (!mayForce(fields, change.container)) {
    throw kubernetesError(
      'KUBERNETES_CONFLICT',
      `server-side apply on ${kind} ${namespace}/${name}: ${status.message ?? 'conflict'}`,
      {
        details: { fields },
      },
    );
  }
  const forced = await client.call({ ...call, query: { fieldManager: FIELD_MANAGER, force: 'true' } });
  if (forced.status !== 200) throw refused(call, forced);
}

type Waited =
  | { readonly complete: true }
  | { readonly complete: false; readonly reason: string; readonly blame: Blame['blame'] | undefined };

/** Waits until the rollout is complete; every further healthy replica begins the deadline anew. */
async function waitForRollout(
  target: Target,
  deadline: number,
  progress: (done: number, total: number) => void,
): Promise<Waited> {
  const late = new AbortController();
  const signal = target.signal === undefined ? late.signal : AbortSignal.any([target.signal, late.signal]);
  let timer = setTimeout(() => late.abort(), deadline);
  let best = 0;
  let detail = 'nothing happened';
  try {
    for await (const object of followWorkload(target.client, target.kind, target.namespace, target.name, signal)) {
      const status = rolloutStatus(target.kind, object);
      if (status.kind === 'complete') {
        progress(object.spec?.replicas ?? 1, object.spec?.replicas ?? 1);
        return { complete: true };
      }
      if (status.kind === 'stuck') return { complete: false, reason: status.reason, blame: status.blame };
      detail = status.detail;
      if (status.done <= best) continue;
      best = status.done;
      progress(status.done, status.total);
      clearTimeout(timer);
      timer = setTimeout(() => late.abort(), deadline);
    }
  } catch (error) {
    if (!late.signal.aborted || target.signal?.aborted === true) throw error;
  } finally {
    clearTimeout(timer);
  }
  return { complete: false, reason: `no progress for ${deadline} ms: ${detail}`, blame: undefined };
}

/** A StatefulSet waits for a broken pod for ever, even after its template was put back: that pod has to go. */
async function deleteBrokenPods(target: Target, pods: readonly Pod[], image: string): Promise<void> {
  for (const pod of pods) {
    const broken = blamePods([pod], target.container, image) !== undefined;
    const own = pod.metadata.ownerReferences?.some(({ kind, name }) => kind === 'StatefulSet' && name === target.name);
    if (!broken || own !== true) continue;
    const call = {
      method: 'DELETE',
      path: pathOf('Pod', target.namespace, pod.metadata.name),
      signal: target.signal,
    } as const;
    const answer = await target.client.call(call);
    if (answer.status >= 300 && answer.status !== 404) throw refused(call, answer);
  }
}

async function takeBack(
  target: Target,
  request: RolloutRequest,
  previous: string,
  waited: Waited & { complete: false },
): Promise<Blame> {
  const pods = await target.client.list<Pod>(pathOf('Pod', target.namespace));
  const seen = blamePods(pods, target.container, request.image);
  const object = await readWorkload(target.client, target.kind, target.namespace, target.name, target.signal);
  await apply(target, object, { container: target.container, image: previous, previous, tag: undefined });
  if (target.kind === 'StatefulSet') await deleteBrokenPods(target, pods, request.image);
  const back = await waitForRollout(target, request.deadline, () => {});
  const reason = seen === undefined ? waited.reason : `${waited.reason}; ${seen.reason}`;
  if (!back.complete) {
    throw kubernetesError(
      'KUBERNETES_ROLLBACK_INCOMPLETE',
      `${target.kind} ${target.namespace}/${target.name} failed on ${request.image} (${reason}) and is not healthy on ${previous} either: ${back.reason}`,
    );
  }
  return { reason, blame: seen?.blame ?? waited.blame ?? 'environment' };
}

export async function rolloutOnKubernetes(
  client: KubernetesClient,
  request: RolloutRequest,
  signal?: AbortSignal,
): Promise<RolloutOutcome> {
  const started = Date.now();
  const { kind, namespace, name, id: workload } = request.workload;
  if (kind === 'container' || kind === 'file') {
    throw kubernetesError('KUBERNETES_WORKLOAD_MISSING', `${workload} is a ${kind}, which no cluster has`);
  }
  const object = await readWorkload(client, kind, namespace, name, signal);
  const containers = containersOf(object);
  const container = containers.find((one) => one.name === (request.container ?? containers[0]?.name));
  if (container === undefined) {
    throw kubernetesError(
      'KUBERNETES_WORKLOAD_MISSING',
      `${kind} ${namespace}/${name} has no container ${request.container ?? ''}`,
    );
  }
  const target: Target = { client, kind, namespace, name, container: container.name, signal };
  const to = request.image;
  const set = digestIn(container.image) === request.digest;
  const known = request.workload.containers.find((one) => one.name === container.name)?.digest;
  const running = digestIn(container.image) === undefined && known === request.digest;
  if (running || (set && rolloutStatus(kind, object).kind === 'complete')) return { kind: 'unchanged', workload, to };
  // Set but not complete: an earlier call lost its process after the apply; what ran before stands in our annotation.
  const from = (set ? object.metadata.annotations?.[Annotation.previous] : container.image) ?? container.image ?? '';
  // A tag moves: what goes back must be what ran.
  const previous = digestIn(from) === undefined && known !== undefined ? `${from}@${known}` : from;
  if (!set) await apply(target, object, { container: container.name, image: to, previous, tag: request.tag });
  const waited = await waitForRollout(target, request.deadline, (done, total) =>
    request.progress?.update('rollout', done, total, name),
  );
  if (waited.complete) {
    return { kind: 'rolledout', workload, from, to, interrupted: false, milliseconds: Date.now() - started };
  }
  const blame = await takeBack(target, request, previous, waited);
  return { kind: 'rolledback', workload, from, to, ...blame, interrupted: false, milliseconds: Date.now() - started };
}
