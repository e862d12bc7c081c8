/** Row types of migrations/NNN-engine.ts. */
// biome-ignore lint/complexity/noBannedTypes: tables follow with the engine migration
export type EngineSchema = {};
