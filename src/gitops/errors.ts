import { errorFactory } from '../base/index.ts';

export const gitopsErrors = {
  GITOPS_CONFLICT: {
    kind: 'failed',
    retryable: true,
    meaning: 'A branch moved again and again while a digest was being written to it.',
  },
  GITOPS_PUSH_REFUSED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A git server does not take a commit: a protected branch, a hook, or an account that may not push.',
  },
  GITOPS_PLACE_GONE: {
    kind: 'failed',
    retryable: false,
    meaning: 'The place in a git repository that a digest was to be written to is no longer there.',
  },
  GITOPS_SIGNING_FAILED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A commit cannot be signed with the ssh key that the fleet file names.',
  },
} as const;

export const gitopsError = errorFactory(gitopsErrors);
