export type { WatchPace } from './pace.ts';
export type { ObservedContainer, ObservedWorkload, RunningImage, WorkloadChanges } from './types.ts';
export { type ClusterState, observeCluster, watchCluster } from './watch-cluster.ts';
