export { type Address, addressOf } from './address.ts';
export type { EngineApi } from './api.ts';
export type { ContainerInspect, CreateBody, ImageInspect } from './api-types.ts';
export type { EngineConnectOptions } from './connect.ts';

export { hostUlimits, type WorkloadGroup } from './group.ts';
export { askHttp, askTcp, lastWords } from './health.ts';
export { Label } from './labels.ts';
export { ownerLabels } from './owner.ts';
export type { EndpointOptions, TlsFiles } from './remote/endpoint.ts';
export {
  createEngineRuntime,
  type EngineRuntime,
  type EngineRuntimeOptions,
  type LaunchedWorkload,
} from './runtime.ts';
export type { ExecOptions, Output, ScratchApi } from './scratch.ts';
