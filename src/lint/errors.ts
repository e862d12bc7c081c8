import { errorFactory } from '../base/index.ts';

export const lintErrors = {
  LINT_DOCKERFILE_UNREADABLE: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file is no Dockerfile: too large, no text, or without a single instruction.',
  },
  LINT_RULE_UNKNOWN: { kind: 'usage', retryable: false, meaning: 'A rule is named that does not exist.' },
} as const;

export const lintError = errorFactory(lintErrors);
