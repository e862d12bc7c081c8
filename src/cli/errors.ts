import { errorFactory } from '../base/index.ts';

export const cliErrors = {
  CLI_USAGE: { kind: 'usage', retryable: false, meaning: 'An option or argument is missing, unknown or malformed.' },
  CLI_INTERRUPTED: {
    kind: 'failed',
    retryable: true,
    meaning: 'SIGINT or SIGTERM stopped the command; the exit code is 130 or 143, as shells expect it.',
  },
} as const;

export const cliError = errorFactory(cliErrors);
