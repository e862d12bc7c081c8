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
  SANDBOX_MEMORY_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A command in a sandbox took more memory than its limit; it and everything it started were killed.',
  },
  SANDBOX_PROCESS_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A command in a sandbox started more processes than its limit; all of them were killed.',
  },
  SANDBOX_SPACE_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A command in a sandbox filled the memory file system it writes to, and failed.',
  },
} as const;

export const sandboxError = errorFactory(sandboxErrors);
