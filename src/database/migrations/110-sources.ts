import type { Migration } from './migration.ts';

export const sources110: Migration = {
  name: '110-sources',
  statements: [
    // JSON: where the recipe of the released image, or of a task's, came from; null for one beside the fleet file.
    'alter table fleet_image add column source text',
    'alter table task add column source text',
  ],
};
