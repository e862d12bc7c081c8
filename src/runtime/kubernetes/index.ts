export { type ClusterInventory, type ClusterOptions, openClusterInventory } from './cluster-inventory.ts';
export type { ClusterState, ObservedContainer, ObservedWorkload, WorkloadChanges } from './inventory/index.ts';
export type { Pod as ObservedPod } from './objects.ts';
export { type ClusterPods, type ClusterPodsOptions, openClusterPods } from './pods/cluster-pods.ts';
export { createKubernetesRuntime, type KubernetesRuntimeOptions } from './runtime.ts';
