export { analysisFor } from './adapters/analysis.ts';
export { zoneDelivery } from './adapters/deliver-zone.ts';
export { gitSourceOf, type SourceLook } from './adapters/fleet-sources.ts';
export { type LoadedFleet, loadEngineFleet } from './adapters/load-fleet.ts';
export { type RolloutSetup, rolloutOf } from './adapters/rollout.ts';
export type { SigningSetup } from './adapters/signing.ts';
export { type VerifySetup, verifyOf } from './adapters/verify.ts';
export type { Fleet, Parallel, StageTimes } from './context.ts';
export { type LoopbackRegistry, openLoopbackRegistry } from './loopback-registry.ts';
export { neededImages, runningReferences } from './needed-images.ts';
export { type PipelineOptions, type PipelineResult, planPipeline, runPipeline } from './pipeline.ts';
export type {
  AttestedBuild,
  BuildPort,
  BuildRequest,
  CandidateImage,
  FeedPort,
  FleetImage,
  ImageSource,
  InventoryPort,
  PipelinePorts,
  PushPort,
  ReleasedImage,
  RolloutPort,
  SigningPort,
  Verification,
  VerifyPort,
} from './ports.ts';
export { undoRelease } from './run/undo-release.ts';
export { type FleetSetup, pipelineOptions } from './run-fleet.ts';
export type { Task, TaskStatus, TaskStep } from './task.ts';
export { noteCommits, STATUS_CHANNEL, settleCommits } from './webhook/note-commits.ts';
export {
  type ReceiverOptions,
  SOURCE_CHANNEL,
  type WatchedImage,
  type WebhookAnswer,
  type WebhookReceiver,
  webhookReceiver,
} from './webhook/receive.ts';
export { type RefreshRequests, refreshRequests } from './webhook/refresh-requests.ts';
export { commitStatusSink, type StatusReporter, statusReporter } from './webhook/report-statuses.ts';
export {
  type BuildRecipeOptions,
  type BuiltRecipe,
  buildRecipe,
  openWorkshop,
  type PatchFilter,
  type PatchOutcome,
  patchImage,
  type RebaseImages,
  rebaseImage,
  resolvedFrom,
  type Shelf,
  storeOver,
  type Workshop,
  type WorkshopOptions,
} from './workshop/index.ts';
export { adopt, openStored } from './workshop/open-stored.ts';
