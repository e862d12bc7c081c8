import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiObject, RealApi } from './api.ts';
import { podStatus } from './pod-status.ts';

/** Label of nodes that run nothing. */
export const PLAYED = 'test.heraklit.io/played';

/** Milliseconds between two signs of life of a node; the controllers wait 40 s for one. */
const HEARTBEAT = 10_000;
const PODS = '/api/v1/pods';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

export interface NodesOptions {
  readonly api: RealApi;
  /** Nodes that are registered. */
  readonly count: number;
  /** Milliseconds from a pod's binding to its containers' state. */
  readonly delay: number;
  readonly signal: AbortSignal;
}

const conditions = (): object[] => {
  const now = new Date().toISOString();
  const of = (type: string, status: string): object => ({
    type,
    status,
    reason: 'Played',
    message: 'by the test',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  return [of('Ready', 'True'), of('MemoryPressure', 'False'), of('DiskPressure', 'False'), of('PIDPressure', 'False')];
};

async function register(api: RealApi, name: string): Promise<void> {
  const amount = { cpu: '10k', memory: '100Ti', pods: '20k', 'ephemeral-storage': '100Ti' };
  const labels = {
    [PLAYED]: 'true',
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
  };
  await api.call('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {} });
  const status = { capacity: amount, allocatable: amount, conditions: conditions() };
  await api.call('PATCH', `/api/v1/nodes/${name}/status`, { status }, 'application/merge-patch+json');
}

async function heartbeat(api: RealApi, name: string): Promise<void> {
  const spec = {
    holderIdentity: name,
    leaseDurationSeconds: 40,
    renewTime: new Date().toISOString().replace('Z', '000Z'),
  };
  const patched = await api.call('PATCH', `${LEASES}/${name}`, { spec }, 'application/merge-patch+json');
  if (patched.status === 404) {
    const metadata = { name, namespace: 'kube-node-lease' };
    await api.call('POST', LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec });
  }
  await api.call(
    'PATCH',
    `/api/v1/nodes/${name}/status`,
    { status: { conditions: conditions() } },
    'application/merge-patch+json',
  );
}

/** What a kubelet does as far as the API server can see: nodes with leases, pods that start, and pods that end. */
export async function playNodes({ api, count, delay, signal }: NodesOptions): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `node-${i + 1}`);
  for (const name of names) await register(api, name);
  const beat = async (): Promise<void> => {
    while (!signal.aborted) {
      // An API server that is away comes back.
      for (const name of names) await heartbeat(api, name).catch(() => {});
      await sleep(HEARTBEAT, undefined, { signal });
    }
  };
  // Without nodes of ours, pods are bound to somebody else's, whose kubelet runs them.
  const played = count === 0 ? [] : [beat(), playPods(api, delay, signal)];
  await Promise.all(played.map((one) => one.catch(swallowEnd(signal))));
}

const swallowEnd =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (!signal.aborted) throw error;
  };

/** Starts and ends the pods that are bound, once each for each form of them. */
class PodPlayer {
  readonly #api: RealApi;
  readonly #delay: number;
  readonly #signal: AbortSignal;
  readonly #started = new Map<string, string>();
  #number = 0;

  constructor(api: RealApi, delay: number, signal: AbortSignal) {
    this.#api = api;
    this.#delay = delay;
    this.#signal = signal;
  }

  /** Does what is to be done in its own time. */
  see(pod: ApiObject): void {
    const { uid = '', deletionTimestamp } = pod.metadata;
    if (pod.spec.nodeName === undefined) return;
    // Containers may be added to a pod that runs (ephemeral ones), and their images may change.
    const form = JSON.stringify([pod.spec.containers, pod.spec.ephemeralContainers, pod.metadata.annotations]);
    const wanted = deletionTimestamp === undefined ? form : 'end';
    if (this.#started.get(uid) === wanted) return;
    this.#started.set(uid, wanted);
    void this.#until(pod, () => this.#started.get(uid) === wanted);
  }

  forget({ metadata }: ApiObject): void {
    this.#started.delete(metadata.uid ?? '');
  }

  /** Again and again, as a kubelet would, until it is done or something else is to be done. */
  async #until(pod: ApiObject, isWanted: () => boolean): Promise<void> {
    try {
      for (let done = false; !done && isWanted(); ) {
        await sleep(this.#delay, undefined, { signal: this.#signal });
        const status = await this.#step(pod).catch(() => 0);
        done = (status >= 200 && status < 300) || status === 404 || status === 409;
      }
    } catch (error) {
      swallowEnd(this.#signal)(error);
    }
  }

  /** @returns the API server's answer */
  async #step(pod: ApiObject): Promise<number> {
    const { name, namespace, uid = '', deletionTimestamp } = pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    if (deletionTimestamp !== undefined) {
      const options = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid } };
      return (await this.#api.call('DELETE', path, options)).status;
    }
    this.#number += 1;
    const body = { metadata: { uid }, status: podStatus(pod, this.#number) };
    return (await this.#api.call('PATCH', `${path}/status`, body, 'application/merge-patch+json')).status;
  }
}

/** One watch over all pods, opened again from a fresh list whenever it ends. */
async function playPods(api: RealApi, delay: number, signal: AbortSignal): Promise<void> {
  const player = new PodPlayer(api, delay, signal);
  while (!signal.aborted) {
    try {
      const { body } = await api.call('GET', PODS);
      for (const pod of body.items as ApiObject[]) player.see(pod);
      const from = `${PODS}?watch=true&allowWatchBookmarks=true&resourceVersion=${body.metadata.resourceVersion}`;
      for await (const { type, object } of api.watch(from, signal)) {
        if (type === 'ERROR') break;
        if (type === 'DELETED') player.forget(object);
        if (type === 'ADDED' || type === 'MODIFIED') player.see(object);
      }
    } catch (error) {
      if (signal.aborted) throw error;
    }
    await sleep(200, undefined, { signal });
  }
}
