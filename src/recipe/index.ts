export type {
  Fleet,
  FleetAccess,
  FleetAdvisories,
  FleetCrawlSource,
  FleetDistribution,
  FleetEvents,
  FleetForge,
  FleetGitopsRepository,
  FleetGitSource,
  FleetImage,
  FleetLimits,
  FleetMirror,
  FleetPolicy,
  FleetRegistry,
  FleetReplica,
  FleetRepository,
  FleetRollout,
  FleetSigning,
  FleetSource,
  FleetWorkload,
  VerifyChecks,
} from './fleet-types.ts';
export { type Loaded, loadFleet, loadRecipe, parseFleet, parseRecipe } from './load.ts';
export { nearest } from './nearest.ts';
export type { Recipe, RecipeFile, RecipePin, RecipeRepository, RecipeRuntime, RecipeUser } from './types.ts';
