import { errorFactory } from '../base/index.ts';

export const analysisErrors = {
  ANALYSIS_TEMPLATE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A query or URL of a health analysis has a placeholder that is not known, or where none may stand.',
  },
  ANALYSIS_EXPRESSION_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A pattern for log lines, a JSON pointer or a URL of a health analysis is not one.',
  },
  ANALYSIS_CREDENTIALS_MISSING: {
    kind: 'usage',
    retryable: false,
    meaning: 'What a health analysis is to sign in with, or a certificate that it names, cannot be read.',
  },
} as const;

export const analysisError = errorFactory(analysisErrors);
