export { type DebArchive, openDeb } from './archive.ts';
export {
  advisoriesBetween,
  type MissedAdvisories,
  readChangelog,
} from './changelog.ts';
export {
  type ControlOptions,
  type ControlProblem,
  MAX_CONTROL_BYTES,
  parseControl,
} from './control.ts';
export { debEcosystem } from './ecosystem.ts';
export { type Keyring, readKeyring, readKeyringFile, shippedKeyring } from './keyring.ts';
export {
  type IndexOrigin,
  type IndexRow,
  packageRows,
  packagesOfLines,
  readPackagesIndex,
  rowToLine,
} from './packages-index.ts';
export { formatRelations, parseRelations, type RelationOptions } from './relations.ts';
export {
  MAX_RELEASE_BYTES,
  type Release,
  type ReleaseFile,
  rereadRelease,
  type VerifyReleaseOptions,
  verifyDetachedRelease,
  verifyRelease,
} from './release.ts';
export {
  readSecuritySupport,
  type SupportNote,
  type UnsupportedPackage,
  unsupportedPackages,
} from './security-support.ts';
export {
  createUniverse,
  isNamed,
  meetsRequest,
  type PackagePin,
  type PackageRequest,
  type PackageUniverse,
  type Preferences,
  type PresentPackage,
  type Solution,
  type Solved,
  type SolveOptions,
  solve,
  solveOrThrow,
  type VersionConstraint,
  type WhyStep,
} from './solver/index.ts';
export { Stanza } from './stanza.ts';
export {
  type DpkgState,
  type DpkgStatus,
  type IncompletePackage,
  readStatus,
  type StatusDatabase,
} from './status.ts';
export { type InstalledState, replaceStanza, statusStanza, writeStatus } from './status-write.ts';
export { securitySupportFiles } from './support-files.ts';
export { compareVersions, satisfies } from './version.ts';
