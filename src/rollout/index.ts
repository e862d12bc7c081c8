export { rolloutErrors } from './errors.ts';
export type { QuarantineEventData, RolloutEventData } from './events.ts';
export { liftQuarantine, listQuarantine, type QuarantineEntry, quarantine, quarantined } from './quarantine.ts';
export { type RollOutContext, type RollOutRequest, type RollOutResult, rollOut, surveyWorkloads } from './roll-out.ts';
export { recordWorkloads, type Supersession, supersessions } from './store.ts';
