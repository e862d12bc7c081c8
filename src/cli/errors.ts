import { errorFactory } from '../base/index.ts';

export const cliErrors = {
  CLI_USAGE: { kind: 'usage', retryable: false, meaning: 'An option or argument is missing, unknown or malformed.' },
} as const;

export const cliError = errorFactory(cliErrors);
