import { errorFactory } from '../base/index.ts';

export const engineErrors = {
  ENGINE_RUN_ACTIVE: {
    kind: 'usage',
    retryable: true,
    meaning: 'Another process began a run of this fleet at the same moment.',
  },
  ENGINE_FLEET_CLASH: {
    kind: 'usage',
    retryable: false,
    meaning: 'Two fleets of one home have an image of the same name, which is one repository of its registry.',
  },
  ENGINE_STATE_LOST: {
    kind: 'failed',
    retryable: false,
    meaning: 'A task to be carried out names an image that the fleet no longer has.',
  },
} as const;

export const engineError = errorFactory(engineErrors);
