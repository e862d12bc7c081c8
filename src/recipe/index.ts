export type { ComposeFile, ComposeHealthcheck, ComposePort, ComposeService, ComposeVolume } from './compose-file.ts';
export { type Cron, fitsDay, parseCron, WEEKDAYS } from './cron.ts';
export type {
  FleetGitopsRepository,
  FleetHost,
  FleetRollout,
  FleetRolloutStage,
  FleetRolloutWindow,
  FleetStrategy,
  FleetWorkload,
  FleetZone,
  FleetZoneRegistry,
} from './fleet-rollout-types.ts';
export type { FleetGitSource } from './fleet-shared-types.ts';
export type {
  Fleet,
  FleetAccess,
  FleetAdvisories,
  FleetCluster,
  FleetCrawlSource,
  FleetDistribution,
  FleetEvents,
  FleetForge,
  FleetImage,
  FleetLimits,
  FleetMirror,
  FleetPolicy,
  FleetRegistry,
  FleetReplica,
  FleetRepository,
  FleetSigning,
  FleetSource,
} from './fleet-types.ts';
export {
  type Loaded,
  loadCompose,
  loadFleet,
  loadRecipe,
  loadTests,
  parseCompose,
  parseFleet,
  parseRecipe,
} from './load.ts';
export { nearest } from './nearest.ts';
export { CANDIDATE } from './test-problems.ts';
export type {
  ContainerStep,
  ExecStep,
  HttpStep,
  TestCandidate,
  TestEnvironment,
  TestLimits,
  TestReady,
  TestService,
  TestStep,
  TestSuite,
  TextExpectation,
  VerifyChecks,
  VerifyCluster,
} from './test-types.ts';
export type {
  Recipe,
  RecipeCheck,
  RecipeFile,
  RecipeGroup,
  RecipePin,
  RecipeRepository,
  RecipeRuntime,
  RecipeUser,
} from './types.ts';
