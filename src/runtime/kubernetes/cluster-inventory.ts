import { createKubernetesClient } from './client.ts';
import type { ConnectionOptions } from './connection.ts';
import {
  type ClusterState,
  type ObservedWorkload,
  observeCluster,
  type WatchPace,
  type WorkloadChanges,
  watchCluster,
} from './inventory/index.ts';

export interface ClusterOptions extends ConnectionOptions {
  /** Only these; the whole cluster when undefined (needs a ClusterRole of deploy/kubernetes). */
  readonly namespaces?: readonly string[];
}

/** What runs in one cluster: a reader that changes nothing there (deploy/kubernetes/inventory-rbac.yaml is all it needs). */
export interface ClusterInventory {
  /** What ids of its workloads begin with: `kubernetes:NAME/`. */
  readonly prefix: string;
  /** Once. @throws KUBERNETES_UNAVAILABLE, KUBERNETES_REFUSED */
  observe(): Promise<readonly ObservedWorkload[]>;
  /** All of it, then what changes, until the signal ends it. */
  watch(signal: AbortSignal, onState?: (state: ClusterState) => void): AsyncGenerator<WorkloadChanges>;
  close(): void;
}

/** @throws KUBERNETES_UNAVAILABLE where the kubeconfig cannot be read */
export async function openClusterInventory(
  options: ClusterOptions & { readonly pace?: Partial<WatchPace> },
): Promise<ClusterInventory> {
  const client = await createKubernetesClient(options);
  const cluster = options.name ?? client.context;
  const { namespaces, pace = {} } = options;
  return {
    prefix: `kubernetes:${cluster}/`,
    observe: async () => await observeCluster(client, cluster, namespaces),
    watch: (signal, onState) =>
      watchCluster({ client, cluster, namespaces, signal, pace, ...(onState === undefined ? {} : { onState }) }),
    close: () => client.close(),
  };
}
