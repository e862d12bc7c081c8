export { type PlanOptions, planFleet } from './plan.ts';
export type {
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
