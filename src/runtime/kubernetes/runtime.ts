import { messageOf } from '../../base/index.ts';
import type { WorkloadRuntime } from '../port.ts';
import { createKubernetesClient, type KubernetesClient, type KubernetesClientOptions } from './client.ts';
import { debugOnKubernetes } from './debug.ts';
import { listWorkloads } from './list.ts';
import { FOREIGN_KINDS, WORKLOAD_KINDS } from './objects.ts';
import { podObserver } from './observe.ts';
import { podRenewer } from './renew.ts';
import { rolloutOnKubernetes } from './rollout.ts';
import { DEFAULT_PACE, type Pace } from './run.ts';

export interface KubernetesRuntimeOptions extends KubernetesClientOptions {
  /** Only these; the whole cluster when undefined (needs the ClusterRole of deploy/kubernetes/rbac.yaml). */
  readonly namespaces?: readonly string[];
  /** How often a rollout is looked at; for tests. */
  readonly pace?: Partial<Pace>;
}

/** A cluster: from a kubeconfig, or from inside a pod by its service account. */
export function createKubernetesRuntime(options: KubernetesRuntimeOptions = {}): WorkloadRuntime {
  const { namespaces } = options;
  const clusterName = ({ context }: KubernetesClient): string => options.name ?? context;
  let connected: Promise<KubernetesClient> | undefined;
  const client = async (): Promise<KubernetesClient> => {
    connected ??= createKubernetesClient(options);
    try {
      return await connected;
    } catch (error) {
      connected = undefined;
      throw error;
    }
  };
  return {
    name: 'kubernetes',
    unavailable: async () => {
      try {
        const { status } = await (await client()).call({ path: '/version' });
        return status === 200 ? undefined : `the API server answers ${status} to /version`;
      } catch (error) {
        return messageOf(error).replace(/\s*\n\s*/g, ' ');
      }
    },
    list: async () => await listWorkloads(await client(), namespaces, options.name),
    scope: async () => ({
      // A cluster that a fleet file names has its name before it answers.
      prefix: `kubernetes:${options.name ?? clusterName(await client())}/`,
      namespaces,
      kinds: [...WORKLOAD_KINDS, ...FOREIGN_KINDS],
    }),
    rollout: async (request, signal) =>
      await rolloutOnKubernetes(await client(), request, signal, { ...DEFAULT_PACE, ...options.pace }),
    members: podObserver(client),
    renewal: podRenewer(client, options),
    debug: async (...given) => await debugOnKubernetes(await client(), ...given),
    close: async () => {
      (await connected?.catch(() => undefined))?.close();
      connected = undefined;
    },
  };
}
