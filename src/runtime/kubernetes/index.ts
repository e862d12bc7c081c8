export { type ClusterInventory, type ClusterOptions, openClusterInventory } from './cluster-inventory.ts';
export type { ClusterState, ObservedContainer, ObservedWorkload, WorkloadChanges } from './inventory/index.ts';
export { createKubernetesRuntime, type KubernetesRuntimeOptions } from './runtime.ts';
