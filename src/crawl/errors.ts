import { errorFactory } from '../base/index.ts';

export const crawlErrors = {
  CRAWL_SOURCE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A source of images is named in no known form, or does not exist.',
  },
  CRAWL_TAKEN_OVER: {
    kind: 'failed',
    retryable: true,
    meaning:
      'Another server of the database crawls the source now, because this one did not say for long that it does.',
  },
  CRAWL_TOO_LONG: {
    kind: 'failed',
    retryable: true,
    meaning: 'A crawl took longer than it may; the next one goes on with what is missing.',
  },
} as const;

export const crawlError = errorFactory(crawlErrors);
