import { errorFactory } from '../base/index.ts';

export const eventsErrors = {
  EVENTS_UNDELIVERED: {
    kind: 'failed',
    retryable: true,
    meaning: 'A sink did not take events; they stay in the outbox and are delivered later.',
  },
} as const;

export const eventsError = errorFactory(eventsErrors);
