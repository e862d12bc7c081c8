export { type LibraryName, recordLibraryNames } from './files/record-files.ts';
export {
  type FilesUnread,
  type FileWanted,
  filesUnread,
  type WhereFileQuery,
  type WhereFileRow,
  whereFile,
} from './files/where-file.ts';
export { type FleetQuery, type FleetRow, fleet } from './fleet.ts';
export {
  type FleetChangeCounts,
  type FleetChangesQuery,
  type FleetPackageChange,
  fleetChanges,
  type MovedReference,
  movedReferences,
} from './fleet-changes.ts';
export { type CheckedRow, type CheckStatus, gradedImage } from './graded-image.ts';
export { type HistoryQuery, type HistoryRow, historyWithChanges, imageHistory } from './history.ts';
export { containersRunning, type HostContainer, type HostRow, listHosts } from './loaded/hosts.ts';
export { type ReportOutcome, recordReport } from './loaded/record-report.ts';
export type { HostReport, ReportedContainer, ReportedPackage } from './loaded/report.ts';
export {
  type AttentionQuery,
  findingsOfImage,
  needingAttention,
  type OutdatedImage,
  type OutdatedQuery,
  outdatedAll,
} from './outdated-all.ts';
export { type RecognisedBase, recogniseBase } from './recognise-base.ts';
export {
  type CheckChange,
  type RecordCheck,
  recordFindings,
  recordUnsupported,
  refreshScope,
} from './record-check.ts';
export { type RecordedImage, type RecordImage, recordImage, recordImages } from './record-image.ts';
export { imagesWithUsage } from './record-usage.ts';
export {
  changeWorkloads,
  type RecordedWorkload,
  recordWorkloads,
  type WorkloadScope,
} from './record-workloads.ts';
export type { RecordedContents } from './recorded-contents.ts';
export { endReference, pointReferences as pointAt } from './reference.ts';
export { listScopes, packagesOfImage, packagesOfScope, type ScopePackage } from './scope-packages.ts';
export { changesOfImages, type PackageChange } from './set-changes.ts';
export { refreshStatistics } from './statistics.ts';
export { type WhereQuery, type WhereRow, whereIs } from './where.ts';
export { type FixState, type WhereAdvisoryQuery, type WhereAdvisoryRow, whereAdvisory } from './where-advisory.ts';
export { type DigestRole, type WhereDigestQuery, type WhereDigestRow, whereDigest } from './where-digest.ts';
