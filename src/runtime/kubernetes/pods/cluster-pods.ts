import type { Duplex } from 'node:stream';
import { messageOf } from '../../../base/index.ts';
import { isLeftover } from '../../engine-host/owner.ts';
import { createObject, deleteObject, mergePatch, type Place } from '../calls.ts';
import { createKubernetesClient, type KubernetesClient, type KubernetesClientOptions, refused } from '../client.ts';
import { apiVersionOf, type ObjectMeta, type Pod, pathOf } from '../objects.ts';
import { execInPod, type PodExecOptions, type PodExecResult } from './exec.ts';
import { podLog } from './log.ts';
import { forwardPort } from './port-forward.ts';

/** Kinds that are made to be thrown away, in the order in which they go: a policy holds until the pods have gone. */
const THROWN_AWAY = ['Job', 'NetworkPolicy'] as const;
export type ScratchKind = (typeof THROWN_AWAY)[number];

export interface ClusterPodsOptions extends KubernetesClientOptions {
  /** The only one that is looked at and written to. */
  readonly namespace: string;
}

/** Jobs of one namespace and the pods they make, for tests: needs no more than deploy/kubernetes/verify-rbac.yaml. */
export interface ClusterPods {
  readonly namespace: string;
  /** Why not, in one line: the API server is away, or does not let us. */
  unavailable(): Promise<string | undefined>;
  /** @returns uid @throws KUBERNETES_REFUSED, KUBERNETES_ADMISSION_REFUSED, KUBERNETES_UNAVAILABLE */
  create(kind: ScratchKind, body: object, signal: AbortSignal): Promise<string>;
  /** It goes with the Job, from now on. */
  ownedBy(kind: ScratchKind, name: string, job: { readonly name: string; readonly uid: string }): Promise<void>;
  /** The pod of a Job that runs one; undefined while there is none. */
  podOf(job: string, signal?: AbortSignal): Promise<Pod | undefined>;
  /** Why a Job gets no pod, in the words of the cluster's events, where we may read them. */
  whyNoPod(job: string): Promise<string | undefined>;
  exec(pod: string, container: string, command: readonly string[], options: PodExecOptions): Promise<PodExecResult>;
  /** @param sure waits until the port is known to be open */
  connect(pod: string, port: number, sure: boolean, signal: AbortSignal): Promise<Duplex>;
  log(pod: string, container: string, keep: number): Promise<{ readonly text: string; readonly truncated: boolean }>;
  remove(kind: ScratchKind, name: string): Promise<void>;
  /** Removes what bears the label and whose owner (annotations as labels of engines) is gone; how many. */
  reap(label: string): Promise<number>;
  close(): Promise<void>;
}

interface ScratchObject {
  readonly metadata: ObjectMeta;
}

/** The Job controller's own label; the one without a prefix is older than Kubernetes 1.27. */
const JOB_NAME = 'batch.kubernetes.io/job-name';
const OLDER_JOB_NAME = 'job-name';

async function podOfJob(place: Place, job: string): Promise<Pod | undefined> {
  for (const label of [JOB_NAME, OLDER_JOB_NAME]) {
    const path = pathOf('Pod', place.namespace);
    const call = { path, query: { labelSelector: `${label}=${job}` }, signal: place.signal };
    const answer = await place.client.call(call);
    if (answer.status !== 200) throw refused(call, answer);
    const [found] = (answer.body as { readonly items?: readonly Pod[] }).items ?? [];
    if (found !== undefined) return found;
  }
  return undefined;
}

async function eventsOf({ client, namespace }: Place, job: string): Promise<string | undefined> {
  const fieldSelector = `involvedObject.kind=Job,involvedObject.name=${job},type=Warning`;
  const { status, body } = await client.call({ path: pathOf('Event', namespace), query: { fieldSelector } });
  if (status !== 200) return undefined;
  const { items = [] } = body as { readonly items?: readonly { readonly message?: string }[] };
  return items.at(-1)?.message;
}

async function reapIn(place: Place, label: string): Promise<number> {
  let removed = 0;
  for (const kind of THROWN_AWAY) {
    const call = { path: pathOf(kind, place.namespace), query: { labelSelector: label } };
    const answer = await place.client.call(call);
    if (answer.status !== 200) throw refused(call, answer);
    for (const { metadata } of (answer.body as { readonly items?: readonly ScratchObject[] }).items ?? []) {
      if (metadata.deletionTimestamp !== undefined) continue;
      const created = Date.parse(metadata.creationTimestamp ?? '') / 1000;
      const known = Number.isNaN(created) ? {} : { created };
      if (!(await isLeftover({ labels: metadata.annotations ?? {}, ...known }))) continue;
      await deleteObject(place, kind, metadata.name);
      removed += 1;
    }
  }
  return removed;
}

/** Nothing is asked of the cluster before it is used. */
export function openClusterPods(options: ClusterPodsOptions): ClusterPods {
  const { namespace } = options;
  let connected: Promise<KubernetesClient> | undefined;
  const place = async (signal?: AbortSignal): Promise<Place> => {
    connected ??= createKubernetesClient(options);
    try {
      return { client: await connected, namespace, signal };
    } catch (error) {
      connected = undefined;
      throw error;
    }
  };
  return {
    namespace,
    unavailable: async () => {
      try {
        const call = { path: pathOf('Job', namespace), query: { limit: '1' } };
        const answer = await (await place()).client.call(call);
        return answer.status === 200 ? undefined : messageOf(refused(call, answer));
      } catch (error) {
        return messageOf(error).replace(/\s*\n\s*/g, ' ');
      }
    },
    create: async (kind, body, signal) => {
      const at = await place(signal);
      const { name } = (body as ScratchObject).metadata;
      // A name of ours is used once: one that exists was made by a try whose answer was lost.
      await createObject(at, kind, body);
      const call = { path: pathOf(kind, namespace, name), signal };
      const answer = await at.client.call(call);
      if (answer.status !== 200) throw refused(call, answer);
      return String((answer.body as ScratchObject).metadata.uid);
    },
    ownedBy: async (kind, name, job) => {
      const owner = { apiVersion: apiVersionOf('Job'), kind: 'Job', ...job, blockOwnerDeletion: false };
      await mergePatch(await place(), kind, name, { metadata: { ownerReferences: [owner] } });
    },
    podOf: async (job, signal) => await podOfJob(await place(signal), job),
    whyNoPod: async (job) => await eventsOf(await place(), job),
    exec: async (pod, container, command, given) =>
      await execInPod((await place()).client, { namespace, pod, container }, command, given),
    connect: async (pod, port, sure, signal) =>
      await forwardPort((await place()).client, { namespace, pod }, port, sure, signal),
    log: async (pod, container, keep) => await podLog((await place()).client, { namespace, pod, container }, keep),
    remove: async (kind, name) => await deleteObject(await place(), kind, name),
    reap: async (label) => await reapIn(await place(), label),
    close: async () => {
      (await connected?.catch(() => undefined))?.close();
      connected = undefined;
    },
  };
}
