export { verifyDetached } from '../detached-signature.ts';
export { openRpm, type RpmArchive, type RpmFile } from './archive.ts';
export { rpmEcosystem } from './ecosystem.ts';
export { type PrimaryRow, packageOfRow, readPrimary } from './primary.ts';
export { MAX_METADATA_BYTES, MAX_REPOMD_BYTES, type Repomd, type RepomdFile, readRepomd } from './repomd.ts';
export { isInstallOnly, type RpmUpgrade, solveRpmUpgrade } from './solve-upgrade.ts';
