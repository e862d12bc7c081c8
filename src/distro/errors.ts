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
} as const;

export const distroError = errorFactory(distroErrors);
