import type { Migration } from './migration.ts';

/** A package of a module's stream gets updates of that stream alone: what it belongs to is part of what it is. */
export const rpmModules070: Migration = {
  name: '070-rpm-modules',
  statements: ['alter table package_version add column module text'],
};
