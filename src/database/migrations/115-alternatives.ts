import type { Migration } from './migration.ts';

export const alternatives115: Migration = {
  name: '115-alternatives',
  // Strategies that a task did not take, each with why: what `explain` tells.
  statements: ['alter table task add column alternatives text'],
};
