export { type AnonymousAccess, type BindDecision, type BindOptions, decideBind } from './bind.ts';
export type {
  Diff,
  EventRecord,
  Events,
  Finding,
  FindingCounts,
  Fleet,
  FleetImage,
  FleetTotals,
  Grade,
  ImageStatus,
  Layer,
  Layers,
  Outdated,
  OutdatedImage,
  PackageMove,
  Place,
  Plan,
  PlanTask,
  Problem,
  Strategy,
  TaskStatus,
  Where,
  Workload,
  Workloads,
} from './contract.ts';
export { type DatabaseQueriesOptions, databaseQueries } from './database-queries/database-queries.ts';
export { httpError } from './errors.ts';
export { databaseEventStream, type EventStream } from './event-stream.ts';
export type { FleetQueries, WhereQuery } from './queries.ts';
export { createRemoteQueries, type RemoteHeraklit } from './remote.ts';
export {
  createHttpServer,
  type HttpServerOptions,
  type ListenOptions,
  serveHttp,
} from './server.ts';
