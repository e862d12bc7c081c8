import { errorFactory } from '../../base/index.ts';

export const composeErrors = {
  COMPOSE_LOCK_STALE: {
    kind: 'failed',
    retryable: false,
    meaning: 'The lock file was made for another recipe or base, and the build was told to keep to it.',
  },
  COMPOSE_NOT_LOCKED: {
    kind: 'usage',
    retryable: false,
    meaning: 'A package was to be moved to its newest version, and the lock has none of that name.',
  },
  COMPOSE_HELD: {
    kind: 'failed',
    retryable: false,
    meaning: 'A package on hold would have to change for another one to move.',
  },
  COMPOSE_PLATFORM: {
    kind: 'usage',
    retryable: false,
    meaning: 'A recipe names platforms, and the one that is built is not among them.',
  },
  COMPOSE_LOCK_INVALID: { kind: 'usage', retryable: false, meaning: 'A lock file is not what heraklit writes.' },
  COMPOSE_BASE_MISMATCH: {
    kind: 'failed',
    retryable: false,
    meaning: 'A base image does not suit: another distribution, no package database, or it must be upgraded first.',
  },
  COMPOSE_FILE_CONFLICT: {
    kind: 'failed',
    retryable: false,
    meaning: 'Two packages bring the same path and neither says that it replaces the other.',
  },
  COMPOSE_SCRIPT_FAILED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A maintainer script, or dpkg running them, failed in the sandbox.',
  },
  COMPOSE_PACKAGE_MISMATCH: {
    kind: 'failed',
    retryable: true,
    meaning: 'A package file is not the one that the lock names.',
  },
  COMPOSE_SOURCE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file that the recipe takes from beside it is missing, no file, or outside the folder allowed.',
  },
  COMPOSE_ACCOUNT_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A user of a recipe is to be in a group that neither the recipe nor the image has.',
  },
  COMPOSE_TIMEZONE_UNKNOWN: {
    kind: 'usage',
    retryable: false,
    meaning: 'A recipe names a time zone that no package of the image has.',
  },
  COMPOSE_CERTIFICATE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file that a recipe names as a CA certificate does not hold exactly one certificate in PEM form.',
  },
  COMPOSE_FAMILY: {
    kind: 'usage',
    retryable: false,
    meaning: 'A recipe is for a distribution of a family whose images are not composed.',
  },
  COMPOSE_UNSOLVABLE: {
    kind: 'failed',
    retryable: false,
    meaning: 'The packages of an apk or rpm recipe need others that nobody offers, or that exclude each other.',
  },
  COMPOSE_NO_TOOL: {
    kind: 'failed',
    retryable: false,
    meaning: 'Images of rpm distributions are made by rpm and dnf, and this machine lacks them, or they lack a format.',
  },
  COMPOSE_CHECK_FAILED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A finished image is not as the checks of its recipe say; it was not saved.',
  },
  COMPOSE_ARCHITECTURE: {
    kind: 'usage',
    retryable: false,
    meaning: 'Maintainer scripts or checks of another processor architecture cannot run on this machine.',
  },
} as const;

export const composeError = errorFactory(composeErrors);
