import { errorFactory } from '../../base/index.ts';

export const patchErrors = {
  PATCH_NO_DATABASE: {
    kind: 'failed',
    retryable: false,
    meaning: 'The image holds no package database heraklit can patch (dpkg status or status.d).',
  },
  PATCH_SCRIPTS_NEEDED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The image runs maintainer scripts, and the sandbox for them is not available or the scripts cannot run.',
  },
  PATCH_FAILED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The package manager of the image could not bring the packages to their candidates.',
  },
} as const;

export const patchError = errorFactory(patchErrors);
