export type { AnalysedSlot, OngoingAnalysis, StepAnalysis } from './analysis.ts';
export type { CarryContext } from './campaign/context.ts';
export type { RolloutEventData } from './events.ts';
export { type MeasuredAnalysisOptions, measuredAnalysis } from './measured.ts';
export { type KeptMeasurement, measurementsOf } from './measurements.ts';
export { type RollOutContext, type RollOutRequest, type RollOutResult, rollOut, surveyWorkloads } from './roll-out.ts';
export { type RollOutRequest, type RollOutResult, rollOut } from './roll-out.ts';
export type { Supersession } from './store.ts';
export { surveyWorkloads } from './survey.ts';
