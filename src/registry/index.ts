export { announcedCatalogue } from './catalogue/announced.ts';
export {
  type Beside,
  type CatalogueEntry,
  type Page,
  type Published,
  type PublishOptions,
  type RegistryCatalogue,
  referrerWeight,
} from './catalogue/catalogue.ts';
export { createMemoryCatalogue } from './catalogue/memory.ts';
export { createSqlCatalogue } from './catalogue/sql.ts';
export { createRegistryClient, type RegistryClient } from './client/client.ts';
export { authFiles, type Credentials } from './client/credentials.ts';
export type { RegistryClientOptions } from './client/options.ts';
export type { PulledManifest } from './client/pull.ts';
export type { BlobToPush } from './client/upload.ts';
export { registryError } from './errors.ts';
export {
  type CollectAnswer,
  type CollectRequest,
  createMaintenance,
  type LayoutTools,
  type MaintenanceOptions,
  type RegistryMaintenance,
  type RetainAnswer,
  type RetainRequest,
  type VerifyRequest,
  type Watch,
} from './maintenance/maintenance.ts';
export { measureRegistry } from './maintenance/measure.ts';
export type { NeededImages } from './maintenance/needed.ts';
export type { VerifyReport } from './maintenance/verify.ts';
export { createMirror, type MirrorOptions } from './mirror/create-mirror.ts';
export type { RegistryMirror } from './mirror/mirror.ts';
export { type MirrorRule, parseMirrorRule } from './mirror/rules.ts';
export { createQuota, freeBytesOf, type QuotaRule, type RegistryQuota } from './quota/quota.ts';
export type { Usage } from './quota/usage.ts';
export type { RunningReferences } from './retention/load.ts';
export type { RetentionRule } from './retention/rules.ts';
export type { RegistryLimits } from './server/limits.ts';
export type { RegistryAction, RegistryServerOptions, SparseManifests } from './server/options.ts';
export { registryRoutes } from './server/routes.ts';
