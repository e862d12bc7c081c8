import { errorFactory } from '../base/index.ts';

export const elfErrors = {
  ELF_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A file is no ELF object, or its headers point outside it or contradict each other.',
  },
  ELF_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'An ELF object names more, or longer, than any honest one does.',
  },
} as const;

export const elfError = errorFactory(elfErrors);
