export type { AnalysedSlot, OngoingAnalysis, StepAnalysis } from './analysis.ts';
export { type Carried, carryCampaign } from './campaign/carry.ts';
export type { CarryContext } from './campaign/context.ts';
export { keepRollouts } from './campaign/keep.ts';
export { nameOf } from './campaign/lease.ts';
export { approveCampaign, condemn, operateCampaign, type Word } from './campaign/operate.ts';
export { imageUnknown, promote } from './campaign/promote.ts';
export type { Campaign, CampaignSlot, NewCampaign } from './campaign/record.ts';
export { registryOfLast, releasedImage } from './campaign/released.ts';
export { rollBackCampaign, rollBackWorkload } from './campaign/roll-back.ts';
export { setbackOf } from './campaign/setback.ts';
export { hasEnded } from './campaign/state.ts';
export {
  approvalsOfMany,
  type CampaignQuery,
  changesOf,
  listCampaigns,
  readCampaign,
  slotsOf,
} from './campaign/store.ts';
export { arrivals, zonesWith } from './campaign/zone-store.ts';
export { rolloutError } from './errors.ts';
export type { RolloutEventData } from './events.ts';
export type { AgePromises, WorkloadAge } from './freshness/ages.ts';
export { type FreshnessOutcome, keepFresh, type NewerImage, workloadAges } from './freshness/keep-fresh.ts';
export { knownWorkloads } from './known-workloads.ts';
export { type MeasuredAnalysisOptions, measuredAnalysis } from './measured.ts';
export { type KeptMeasurement, measurementsOf } from './measurements.ts';
export type { Approving } from './plan/approvers.ts';
export { planOfFleet } from './plan/of-fleet.ts';
export { type PlannedWorkload, type RolloutPlan, takesTime } from './plan/plan.ts';
export { simulate, strategyText } from './plan/simulate.ts';
export { stageOf } from './plan/stage-of.ts';
export { liftByWord, quarantineReason } from './quarantine.ts';
export {
  findOrBegin,
  isRolloutHeld,
  type RollOutRequest,
  type RollOutResult,
  rollOut,
  rollOutPlanned,
} from './roll-out.ts';
export { type KnownRuntime, keepRuntimeState, runtimeStates } from './runtime-states.ts';
export type { Supersession } from './store.ts';
export { surveyWorkloads } from './survey.ts';
export { supersededByRunning } from './targets.ts';
export { zoneFindings } from './zone-findings.ts';
