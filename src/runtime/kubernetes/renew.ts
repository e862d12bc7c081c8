import { setTimeout as sleep } from 'node:timers/promises';
import type { RenewalOutcome, RenewalRequest, RunningCopy, WorkloadRenewer } from '../renewal.ts';
import { refused } from './answers.ts';
import type { KubernetesClient } from './client.ts';
import { ownerOf } from './list.ts';
import { type Pod, pathOf, type WorkloadKind, type WorkloadObject } from './objects.ts';
import { rolloutStatus } from './status.ts';

/** Owns nothing but its annotation: what rolls out images neither sees it nor takes it away. */
const MANAGER = 'heraklit-renewal';
/** On the pod template, as `kubectl rollout restart` does it under its own name. */
const RENEWED = 'io.heraklit.renewed-at';
const RENEWED_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
/** Milliseconds between two looks. */
const LOOK = 1_000;

type RenewedKind = (typeof RENEWED_KINDS)[number];

interface Target {
  readonly client: KubernetesClient;
  readonly kind: RenewedKind;
  readonly namespace: string;
  readonly name: string;
  readonly look: number;
  readonly signal: AbortSignal | undefined;
}

/** Only what is kept of the many pods of a cluster. */
interface AgedPod {
  readonly owner: string | undefined;
  readonly name: string;
  readonly created: string | undefined;
}

const aged = (pod: Pod): AgedPod => {
  const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  return { owner: ended ? undefined : ownerOf(pod), name: pod.metadata.name, created: pod.metadata.creationTimestamp };
};

async function runningCopies(
  client: KubernetesClient,
  namespaces: readonly string[] | undefined,
  cluster: string | undefined,
): Promise<readonly RunningCopy[]> {
  const copies: RunningCopy[] = [];
  for (const namespace of namespaces ?? [undefined]) {
    for (const { owner, name, created } of (await client.listAt(pathOf('Pod', namespace), aged)).items) {
      if (owner === undefined || created === undefined) continue;
      copies.push({ workload: `kubernetes:${cluster ?? client.context}/${owner}`, name, created: new Date(created) });
    }
  }
  return copies;
}

async function read({ client, kind, namespace, name, signal }: Target): Promise<WorkloadObject | undefined> {
  const call = { path: pathOf(kind, namespace, name), signal };
  const answer = await client.call(call);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refused(call, answer);
  return answer.body as WorkloadObject;
}

const renewedAt = (object: WorkloadObject): string | undefined =>
  object.spec?.template?.metadata?.annotations?.[RENEWED];

/** Sets the annotation, or takes it away: what an apply no longer names is removed. */
async function annotate({ client, kind, namespace, name, signal }: Target, at: string | undefined): Promise<void> {
  const spec = at === undefined ? {} : { spec: { template: { metadata: { annotations: { [RENEWED]: at } } } } };
  const call = {
    method: 'PATCH',
    path: pathOf(kind, namespace, name),
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: MANAGER, force: 'true' },
    body: { apiVersion: 'apps/v1', kind, metadata: { name, namespace }, ...spec },
    signal,
  } as const;
  const answer = await client.call(call);
  if (answer.status !== 200) throw refused(call, answer);
}

/** Undefined when complete; else why not. Every further healthy copy begins the deadline anew. */
async function settled(target: Target, deadline: number): Promise<string | undefined> {
  let best = -1;
  let until = performance.now() + deadline;
  for (;;) {
    const object = await read(target);
    if (object === undefined) return 'somebody removed it meanwhile';
    const status = rolloutStatus(target.kind, object);
    if (status.kind === 'complete') return undefined;
    if (status.kind === 'stuck') return status.reason;
    if (status.done > best) {
      best = status.done;
      until = performance.now() + deadline;
    }
    if (performance.now() > until) return `no progress for ${deadline} ms: ${status.detail}`;
    await sleep(target.look, undefined, target.signal === undefined ? {} : { signal: target.signal });
  }
}

/** What stands against a renewal now; undefined where nothing does. */
function hindrance(kind: RenewedKind, object: WorkloadObject, ours: boolean): string | undefined {
  if (object.metadata.deletionTimestamp !== undefined) return 'it is being deleted';
  if (object.spec?.updateStrategy?.type === 'OnDelete') return 'its pods are replaced by hand (OnDelete)';
  if (object.spec?.paused === true) return 'it is paused';
  if (object.metadata.annotations?.['io.heraklit.rollout'] !== undefined) return 'a rollout of ours is under way';
  if (!ours && rolloutStatus(kind, object).kind !== 'complete')
    return 'another rollout is under way, or it is not healthy';
  return undefined;
}

async function oldest(target: Target): Promise<number> {
  const own = `${target.namespace}/${target.kind}/${target.name}`;
  const pods = (await target.client.listAt(pathOf('Pod', target.namespace), aged)).items;
  const times = pods.flatMap(({ owner, created }) =>
    owner === own && created !== undefined ? [Date.parse(created)] : [],
  );
  return Math.min(...times);
}

async function renew(target: Target, request: RenewalRequest): Promise<RenewalOutcome> {
  const began = performance.now();
  const { id: workload } = request.workload;
  const object = await read(target);
  if (object === undefined) return { kind: 'refused', workload, reason: 'it is gone' };
  const at = renewedAt(object);
  // Begun by a call that died: the same restart is waited for, not another one begun.
  const ours = at !== undefined && Date.parse(at) >= request.before.getTime();
  const reason = hindrance(target.kind, object, ours);
  if (reason !== undefined) return { kind: 'refused', workload, reason };
  const complete = rolloutStatus(target.kind, object).kind === 'complete';
  if (complete && !((await oldest(target)) < request.before.getTime())) return { kind: 'unchanged', workload };
  if (!ours || complete) await annotate(target, new Date().toISOString());
  const trouble = await settled(target, request.deadline);
  const milliseconds = (): number => Math.round(performance.now() - began);
  if (trouble === undefined) return { kind: 'renewed', workload, milliseconds: milliseconds() };
  // Back to the template that ran: its pods are still there, and nothing else changes.
  await annotate(target, ours ? undefined : at);
  const still = await settled(target, request.deadline);
  const after = still === undefined ? '' : `; not healthy as it was before, either: ${still}`;
  return { kind: 'failed', workload, reason: `${trouble}${after}`, milliseconds: milliseconds() };
}

/** @param look milliseconds between two looks at a workload */
export function podRenewer(
  client: () => Promise<KubernetesClient>,
  { namespaces, name: cluster }: { readonly namespaces?: readonly string[]; readonly name?: string },
  look: number = LOOK,
): WorkloadRenewer {
  return {
    copies: async () => await runningCopies(await client(), namespaces, cluster),
    renew: async (request, signal) => {
      const { id: workload, kind, namespace, name } = request.workload;
      const known = RENEWED_KINDS.find((one) => one === (kind as WorkloadKind));
      if (known === undefined) return { kind: 'refused', workload, reason: `a ${kind} makes new pods by itself` };
      return await renew({ client: await client(), kind: known, namespace, name, look, signal }, request);
    },
  };
}
