export { rolloutErrors } from './errors.ts';
export type { RolloutEventData } from './events.ts';
export { type RollOutContext, type RollOutRequest, type RollOutResult, rollOut, surveyWorkloads } from './roll-out.ts';
export { recordWorkloads, type Supersession, supersessions } from './store.ts';
