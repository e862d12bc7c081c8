export type { AnalysedSlot, OngoingAnalysis, StepAnalysis } from './analysis.ts';
export type { RolloutEventData } from './events.ts';
export { type RollOutContext, type RollOutRequest, type RollOutResult, rollOut, surveyWorkloads } from './roll-out.ts';
export type { Supersession } from './store.ts';
