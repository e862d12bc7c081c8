export {
  type AdvisoryReader,
  type AdvisoryReaderOptions,
  type AdvisoryReport,
  createAdvisoryReader,
} from './advisories.ts';
export type { AptSource, AptSourceFile } from './apt-sources.ts';
export { snapshotUrl } from './as-of.ts';
export {
  type CandidateIndex,
  indexCandidates,
  resolveCandidates,
  type Upgradable,
  type UpgradeCandidate,
} from './candidates.ts';
export { createFailover, type Failover } from './failover.ts';
export { FAMILY_SOURCES, keysOfSources } from './flat/family-sources.ts';
export { placeOfHost } from './internal-host.ts';
export type { KeyFile } from './key-file.ts';
export {
  discoverMirrors,
  type MirrorSearch,
  type Mirrors,
  type NamedMirrors,
} from './mirrors.ts';
export type { NamedRepository } from './named-repository.ts';
export type { OpenRepositoriesOptions } from './open-options.ts';
export { openRepositories } from './open-repositories.ts';
export { createPackageCache, type PackageCache, type PackageCacheOptions, type PackageFile } from './packages.ts';
export { defaultPockets, distributionOfRepository, findPocket, knownDistributions, type Pocket } from './pockets.ts';
export { extraRepositoryName } from './release-place.ts';
export { type ExtraRepository, openExtraRepository } from './repositories.ts';
export { type SecuritySupport, securitySupport } from './security-support.ts';
