import { errorFactory } from '../../base/index.ts';

export const patchErrors = {
  PATCH_NO_DATABASE: {
    kind: 'failed',
    retryable: false,
    meaning: 'The image holds no package database heraklit can write (dpkg status or status.d, apk installed).',
  },
  PATCH_SCRIPTS_NEEDED: {
    kind: 'failed',
    retryable: false,
    meaning: 'Maintainer scripts ran in the image, and what would run them again is gone.',
  },
  PATCH_NO_TOOL: {
    kind: 'failed',
    retryable: false,
    meaning: 'Neither the image nor this machine has the rpm that would have to write the image’s database.',
  },
  PATCH_FAILED: {
    kind: 'failed',
    retryable: false,
    meaning:
      'The package manager of the image, or a script of a package, could not bring the packages to their candidates.',
  },
} as const;

export const patchError = errorFactory(patchErrors);
