import type { Migration } from './migration.ts';

export const fleetQueries081: Migration = {
  name: '081-fleet-queries',
  statements: [
    // Packages of languages in a set of their own: distributions' packages are shared by applications, these are not.
    'alter table image add column language_set integer references package_set',
    'create index image_language_set on image (language_set, id) where language_set is not null',
    // Which package versions a scope has: small (distinct versions), where unnesting every set of a fleet is not.
    `create table scope_package (
      scope text not null,
      package_version integer not null,
      primary key (scope, package_version)
    )`,
    `insert into scope_package (scope, package_version)
    select distinct image.scope, member.version
    from image join package_set on package_set.id = image.package_set
    cross join lateral unnest(package_set.versions) as member (version)
    where image.scope <> ''`,
    // Written by the tens of thousands in the transaction that made what they point to; nothing deletes versions or
    // layers. Checking each row, with a lock on its version, was most of what recording an image cost.
    'alter table layer_package drop constraint layer_package_layer_fkey',
    'alter table layer_package drop constraint layer_package_package_version_fkey',
    'alter table package_version_sets drop constraint package_version_sets_package_version_fkey',
    // A version's sets in arrays that are filled one after another (chunk: their first set), not one array for each
    // range of ids: most versions stand in few sets, and a row for each range was nine tenths row.
    'update package_version_sets set chunk = -sets[1]',
    'update package_version_sets set chunk = -chunk',
    // Versions of a package are few: the unique index finds them, and a rank that is in no index moves cheaply.
    'drop index package_version_rank',
    'alter table package alter column name type text collate "C", alter column architecture type text collate "C"',
    'alter table package_version alter column version type text collate "C"',
    // One byte order on every database; the index that pages by name then serves globs with a literal beginning too.
    'alter table image_reference alter column reference type text collate "C"',
    // What the fleet was on a day.
    'create index image_reference_since on image_reference (since)',
    'create index image_reference_until on image_reference (until) where until is not null',
    'create index package_check_outdated on package_check (scope, package_version) where candidate is not null',
  ],
};
