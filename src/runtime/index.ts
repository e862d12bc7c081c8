export {
  type Address,
  addressOf,
  askHttp,
  askTcp,
  type ContainerInspect,
  type CreateBody,
  createEngineRuntime,
  type EngineApi,
  type EngineConnectOptions,
  type EngineRuntime,
  type EngineRuntimeOptions,
  engineHostErrors,
  hostUlimits,
  type ImageInspect,
  Label as EngineLabel,
  type LaunchedWorkload,
  lastWords,
  ownerOfThisProcess,
  type WorkloadGroup,
  waitHealthy,
} from './engine-host/index.ts';
export { createFront, type Front, type FrontOptions, type FrontStatistics, frontErrors } from './front/index.ts';
export { createKubernetesRuntime, type KubernetesRuntimeOptions, kubernetesErrors } from './kubernetes/index.ts';
export type {
  HealthCheck,
  RolloutOutcome,
  RolloutRequest,
  Workload,
  WorkloadContainer,
  WorkloadRuntime,
} from './port.ts';
