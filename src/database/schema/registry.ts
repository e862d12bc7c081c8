/** Row types of migrations/NNN-registry.ts. */
// biome-ignore lint/complexity/noBannedTypes: tables follow with the registry migration
export type RegistrySchema = {};
