export type { ApkFile } from './adb-files.ts';
export { type ApkArchive, type ApkInfo, type OpenApkOptions, openApk } from './archive.ts';
export { type ApkDependency, ApkRelations, parseDependencies } from './dependencies.ts';
export { apkEcosystem } from './ecosystem.ts';
export { readOwners } from './installed.ts';
export {
  type ApkInstalledRecord,
  type ApkOwnedFile,
  type ApkOwnedFolder,
  compareNames,
  readInstalledRecords,
  writeInstalledRecords,
} from './installed-records.ts';
export { type ApkKeyFile, type ApkKeyring, readApkKeyring } from './keyring.ts';
export { type ApkIndex, type ApkIndexOrigin, openApkIndex } from './packages-index.ts';
export {
  DEFAULT_PROTECTED,
  isProtectedFolder,
  matchesPath,
  PROTECTED_PATHS_FOLDER,
  type ProtectedPath,
  parseProtectedPaths,
} from './protected-paths.ts';
export { recordOfPackage, splitPath } from './record-of-package.ts';
export {
  type ApkScripts,
  type OwnedScripts,
  readScripts,
  readTriggers,
  writeScripts,
  writeTriggers,
} from './scripts-archive.ts';
export { shippedApkKeyring } from './shipped-keyring.ts';
export {
  type ApkChange,
  type ApkSolution,
  type ApkUniverse,
  type ApkUpgrade,
  createApkUniverse,
  solveApk,
} from './solver/index.ts';
