/** Row types of migrations/NNN-rollout.ts. */
// biome-ignore lint/complexity/noBannedTypes: tables follow with the rollout migration
export type RolloutSchema = {};
