export type { ApkFile } from './adb-files.ts';
export { type ApkArchive, type ApkInfo, type OpenApkOptions, openApk } from './archive.ts';
export { apkEcosystem } from './ecosystem.ts';
export { readOwners } from './installed.ts';
export { type ApkKeyFile, type ApkKeyring, readApkKeyring } from './keyring.ts';
export { type ApkIndex, type ApkIndexOrigin, openApkIndex } from './packages-index.ts';
export { shippedApkKeyring } from './shipped-keyring.ts';
