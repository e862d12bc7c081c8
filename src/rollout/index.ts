export type { AnalysedSlot, OngoingAnalysis, StepAnalysis } from './analysis.ts';
export { type Carried, carryCampaign } from './campaign/carry.ts';
export type { CarryContext } from './campaign/context.ts';
export { keepRollouts } from './campaign/keep.ts';
export { approveCampaign, operateCampaign, type Word } from './campaign/operate.ts';
export type { NewCampaign } from './campaign/record.ts';
export { rollBackCampaign, rollBackWorkload } from './campaign/roll-back.ts';
export { setbackOf } from './campaign/setback.ts';
export type { RolloutEventData } from './events.ts';
export type { AgePromises, WorkloadAge } from './freshness/ages.ts';
export { type FreshnessOutcome, keepFresh, type NewerImage, workloadAges } from './freshness/keep-fresh.ts';
export { type MeasuredAnalysisOptions, measuredAnalysis } from './measured.ts';
export { type KeptMeasurement, measurementsOf } from './measurements.ts';
export { planOfFleet } from './plan/of-fleet.ts';
export { takesTime } from './plan/plan.ts';
export {
  findOrBegin,
  isRolloutHeld,
  type RollOutRequest,
  type RollOutResult,
  rollOut,
  rollOutPlanned,
} from './roll-out.ts';
export type { Supersession } from './store.ts';
export { surveyWorkloads } from './survey.ts';
