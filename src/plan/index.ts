export { type PlanOptions, planFleet } from './plan.ts';
export type {
  Alternative,
  Decide,
  Decision,
  DecisionContext,
  FleetState,
  MissingUpdate,
  Plan,
  PlanProblem,
  PlanTask,
  RecipeKind,
  Strategy,
  TaskReason,
} from './types.ts';
