import { errorFactory } from '../base/index.ts';

export const crawlErrors = {
  CRAWL_SOURCE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A source of images is named in no known form, or does not exist.',
  },
} as const;

export const crawlError = errorFactory(crawlErrors);
