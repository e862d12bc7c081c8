import type { Migration } from './migration.ts';

/**
 * Which versions of a package set are outdated, beside their number: an update of a fleet is told set by set, without
 * going through every pair of version and set again.
 */
export const outdatedSets100: Migration = {
  name: '100-outdated-sets',
  statements: [
    // package_version.id, rising
    `alter table exposure add column outdated integer[] not null default '{}'`,
    `update exposure set outdated = found.versions
    from (
      select member.set, package_check.scope, array_agg(package_check.package_version order by package_check.package_version) as versions
      from package_check
      join package_version_sets on package_version_sets.package_version = package_check.package_version
      cross join lateral unnest(sets) as member (set)
      where candidate is not null
      group by member.set, package_check.scope
    ) found
    where found.set = exposure.package_set and found.scope = exposure.scope`,
  ],
};
