import { errorFactory } from '../base/index.ts';

export const distroErrors = {
  DISTRO_CONTROL_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A control file, package index or package database is not deb822 text.',
  },
  DISTRO_CONTROL_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A control file, index, stanza or relation is larger than its limit.',
  },
  DISTRO_RELATION_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A package relation (Depends, Provides, …) does not parse.',
  },
  DISTRO_VERSION_INVALID: { kind: 'usage', retryable: false, meaning: 'A text is not a package version.' },
  DISTRO_PACKAGE_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A package file (.deb) is truncated, damaged or not a package.',
  },
  DISTRO_ADB_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A file in apk’s version 3 container (index, package, database) is damaged or over a limit.',
  },
  DISTRO_INDEX_INVALID: {
    kind: 'failed',
    retryable: true,
    meaning: 'A package index (APKINDEX.tar.gz, a pacman database) is damaged or something else.',
  },
  DISTRO_INDEX_UNSIGNED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A package index or package is not signed by a key of its keyring, or its signature is wrong.',
  },
  DISTRO_KEYRING_INVALID: { kind: 'failed', retryable: false, meaning: 'A keyring holds no readable public key.' },
  RELEASE_INVALID: { kind: 'failed', retryable: false, meaning: 'A repository’s Release file lacks what it must say.' },
  RELEASE_UNSIGNED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A Release file is not signed by a valid key of its distribution, or a signature on it is wrong.',
  },
  RELEASE_EXPIRED: {
    kind: 'failed',
    retryable: true,
    meaning: 'A Release file is past its Valid-Until: the mirror is stale, or somebody replays an old state.',
  },
  RELEASE_FUTURE: { kind: 'failed', retryable: true, meaning: 'A Release file is dated after the present.' },
  RELEASE_WEAK: { kind: 'failed', retryable: false, meaning: 'A Release file lists no SHA-256 hashes.' },
  RELEASE_MISMATCH: {
    kind: 'failed',
    retryable: false,
    meaning: 'A Release file is that of another suite than the one asked for.',
  },
} as const;

export const distroError = errorFactory(distroErrors);
