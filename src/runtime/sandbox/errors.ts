import { errorFactory } from '../../base/index.ts';

export const sandboxErrors = {
  SANDBOX_UNAVAILABLE: {
    kind: 'failed',
    retryable: false,
    meaning: 'This machine, user or container cannot set up the sandbox that maintainer scripts run in.',
  },
  SANDBOX_FAILED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A sandbox could not be prepared for a command, or ended before saying how the command ended.',
  },
  SANDBOX_TIMEOUT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A command in a sandbox ran longer than its limit; it and everything it started were killed.',
  },
  SANDBOX_OUTPUT_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A command in a sandbox printed more than its limit; it and everything it started were killed.',
  },
} as const;

export const sandboxError = errorFactory(sandboxErrors);
