export type { DebugRequest, DebugStreams, TerminalSize } from './debug-request.ts';
export {
  type Address,
  addressOf,
  askHttp,
  askTcp,
  type ContainerInspect,
  type CreateBody,
  createEngineRuntime,
  type EndpointOptions,
  type EngineApi,
  type EngineConnectOptions,
  type EngineRuntime,
  type EngineRuntimeOptions,
  hostUlimits,
  type ImageInspect,
  Label as EngineLabel,
  type LaunchedWorkload,
  lastWords,
  type Output,
  ownerLabels,
  type ScratchApi,
  type WorkloadGroup,
} from './engine-host/index.ts';
export type { Front, FrontOptions, FrontStatistics } from './front/index.ts';
export {
  changedLines,
  createHelmRuntime,
  findHelm,
  type HelmRuntime,
  type HelmRuntimeOptions,
  type HelmSimulation,
} from './helm/index.ts';
export {
  type ClusterInventory,
  type ClusterOptions,
  type ClusterPods,
  type ClusterPodsOptions,
  type ClusterState,
  createKubernetesRuntime,
  type KubernetesRuntimeOptions,
  type ObservedContainer,
  type ObservedPod,
  type ObservedWorkload,
  openClusterInventory,
  openClusterPods,
  type WorkloadChanges,
} from './kubernetes/index.ts';
export type { Member, MemberObserver, MemberOutput } from './members.ts';
export type {
  HealthCheck,
  RolloutOutcome,
  RolloutRequest,
  Workload,
  WorkloadContainer,
  WorkloadRuntime,
} from './port.ts';
export type { RenewalOutcome, RenewalRequest, RunningCopy, WorkloadRenewer } from './renewal.ts';
export { type RetriedRuntime, type RuntimeState, retriedRuntime } from './retried.ts';
export type {
  CanaryStep,
  Revocation,
  RolloutBlame,
  RolloutControl,
  RolloutSide,
  RolloutStep,
  RolloutStrategy,
  StepVerdict,
  TrafficSplit,
} from './strategy.ts';
