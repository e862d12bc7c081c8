import { errorFactory } from '../base/index.ts';

export const planErrors = {
  PLAN_CYCLE: { kind: 'usage', retryable: false, meaning: 'Images stand on each other in a circle.' },
  PLAN_DUPLICATE: { kind: 'usage', retryable: false, meaning: 'Two images of the fleet have the same name.' },
  PLAN_BASE_UNKNOWN: {
    kind: 'usage',
    retryable: false,
    meaning: 'An image stands on one that the fleet does not have.',
  },
  PLAN_STRATEGY_EXCLUDED: {
    kind: 'usage',
    retryable: false,
    meaning: 'policy.strategies of the fleet allows none of the strategies that an image could be made by.',
  },
} as const;

export const planError = errorFactory(planErrors);
