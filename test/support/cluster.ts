import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiObject, openApi, type RealApi } from './control-plane/api.ts';
import { findBinaries } from './control-plane/binaries.ts';
import { PLAYED } from './control-plane/nodes.ts';
import { startControlPlane } from './control-plane.ts';

/** A real API server, and a namespace of our own on it. */
export interface TestCluster {
  readonly kubeconfig: string;
  readonly api: RealApi;
  readonly namespace: string;
  /** `played`: pods get ready by what their images are called; `real`: by kubelets; `none`: never. */
  readonly nodes: 'played' | 'real' | 'none';
  close(): Promise<void>;
}

/** The cluster of KUBECONFIG, else a control plane of HERAKLIT_TEST_CONTROL_PLANE, else why there is none. */
export async function openTestCluster(): Promise<TestCluster | { readonly skip: string }> {
  const named = process.env.KUBECONFIG;
  const binaries = named === undefined ? await findBinaries() : '';
  if (named === undefined && typeof binaries === 'string') return { skip: `KUBECONFIG not set, and ${binaries}` };
  const plane = typeof binaries === 'string' ? undefined : await startControlPlane(binaries);
  const kubeconfig = plane?.kubeconfig ?? (named as string);
  const api = await openApi(kubeconfig);
  const namespace = `heraklit-test-${randomUUID().slice(0, 8)}`;
  await created(api, '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const account = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
  while ((await api.call('GET', account)).status === 404) await sleep(100);
  return {
    kubeconfig,
    api,
    namespace,
    nodes: await nodesOf(api),
    close: async () => {
      await api.call('DELETE', `/api/v1/namespaces/${namespace}`);
      api.close();
      await plane?.close();
    },
  };
}

async function nodesOf(api: RealApi): Promise<TestCluster['nodes']> {
  // Nodes that we play register right after the API server has started.
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const items = ((await api.call('GET', '/api/v1/nodes')).body.items ?? []) as ApiObject[];
    if (items.some(({ metadata }) => metadata.labels?.[PLAYED] !== undefined)) return 'played';
    if (items.length > 0) return 'real';
    await sleep(50);
  }
  return 'none';
}

/** @throws what the API server answers when it does not create it */
export async function created(api: RealApi, path: string, object: unknown): Promise<ApiObject> {
  const { status, body } = await api.call('POST', path, object);
  if (status === 201) return body;
  throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`);
}

/** Asks again until `isSo`. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isSo: (value: T) => boolean,
  milliseconds = 30_000,
): Promise<T> {
  const until = Date.now() + milliseconds;
  for (;;) {
    const value = await ask();
    if (isSo(value)) return value;
    if (Date.now() > until) throw new Error(`still ${JSON.stringify(value)?.slice(0, 2_000)}`);
    await sleep(50);
  }
}
