import { errorFactory } from '../base/index.ts';

export const forgeErrors = {
  FORGE_SIGNATURE_REFUSED: {
    kind: 'usage',
    retryable: false,
    meaning: 'A webhook is not signed, or not with a secret that the fleet file names.',
  },
  FORGE_DELIVERY_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A signed webhook has no delivery id, or is not what its event says.',
  },
  FORGE_API_FAILED: {
    kind: 'failed',
    retryable: true,
    meaning: 'The API of GitHub, GitLab or Gitea does not answer, or asks to wait.',
  },
  FORGE_API_REFUSED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The API of GitHub, GitLab or Gitea refuses what it was asked.',
  },
} as const;

export const forgeError = errorFactory(forgeErrors);
