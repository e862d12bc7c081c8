/** Row types of migrations/NNN-inventory.ts. */
// biome-ignore lint/complexity/noBannedTypes: tables follow with the inventory migration
export type InventorySchema = {};
