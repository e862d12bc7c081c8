export { accountsView, auditView } from './access/account-view.ts';
export type { DoorOptions } from './access/door.ts';
export type { Accounts, Audit, NewSecret } from './access-contract.ts';
export type { ImageBase } from './base-contract.ts';
export { type AnonymousAccess, type BindDecision, type BindOptions, decideBind } from './bind.ts';
export type {
  Diff,
  EventRecord,
  Events,
  Explanation,
  Finding,
  FindingCounts,
  Fleet,
  FleetChanges,
  FleetImage,
  FleetTotals,
  Grade,
  History,
  ImageStatus,
  Layer,
  Layers,
  LoadedIn,
  MovedReferences,
  Outdated,
  OutdatedImage,
  PackageChange,
  PackageMove,
  Place,
  Plan,
  PlanTask,
  Problem,
  Strategy,
  TaskStatus,
  Where,
  WhereAdvisory,
  WhereDigest,
  WhereFile,
} from './contract.ts';
export { type DatabaseQueriesOptions, databaseQueries } from './database-queries/database-queries.ts';
export { databaseHostReports } from './database-queries/host-reports.ts';
export { type DatabaseRolloutsOptions, databaseRollouts } from './database-queries/rollouts.ts';
export { httpError } from './errors.ts';
export { databaseEventStream, type EventStream } from './event-stream.ts';
export type { HostReport, HostReports, Hosts, ReportAnswer, Running, RunningContainer } from './hosts-contract.ts';
export { type AccessLog, openAccessLog } from './operations/access-log.ts';
export type { Operations } from './operations/operate.ts';
export type { ServerMetrics } from './operations/server-metrics.ts';
export type { FleetQueries, OutdatedQuery, WhereQuery } from './queries.ts';
export { createRemoteQueries, type RemoteHeraklit } from './remote.ts';
export { createRemoteAccounts, type RemoteAccounts } from './remote-accounts.ts';
export { createRemoteHosts, type RemoteHosts } from './remote-hosts.ts';
export { createRemoteMaintenance } from './remote-maintenance.ts';
export { createRemoteRollouts } from './remote-rollouts.ts';
export { createRemoteSignIn, type RemoteSignIn } from './remote-sign-in.ts';
export type {
  Quarantine,
  Rollout,
  RolloutAction,
  RolloutActor,
  RolloutFindings,
  RolloutHistory,
  RolloutPage,
  RolloutRuntimes,
  RolloutSimulation,
  Rollouts,
  RolloutWord,
} from './rollouts-contract.ts';
export {
  createHttpServer,
  type HttpServerOptions,
  type ListenOptions,
  type RegistryHooks,
  serveHttp,
} from './server.ts';
export type { Sources } from './sources-contract.ts';
export { openTls, type TlsFiles, type TlsServing } from './tls.ts';
export type { WatchedCluster, Workload, Workloads } from './workloads-contract.ts';
