import type { Migration } from './migration.ts';

/**
 * Packages of languages in a set for each layer that brought them, not one for the whole image: images of a fleet share
 * layers of code in ever new combinations, and each combination was a set of its own.
 */
export const languageSets102: Migration = {
  name: '102-language-sets',
  statements: [
    // layer: who brought the set; null: not known, or recorded when an image had one set for all (layer_package knows).
    `create table image_languages (
      set integer not null,
      image integer not null,
      layer integer,
      primary key (set, image)
    )`,
    `insert into image_languages (set, image)
    select language_set, id from image where language_set is not null`,
    'create index image_languages_image on image_languages (image)',
    'alter table image drop column language_set',
    // ChainIDs of stacks whose layer_package rows are all there: the next image over them has nothing to add.
    'create table recorded_stack (chain bytea primary key)',
    // Written by the thousands in the transaction that made the package; nothing deletes packages.
    'alter table package_version drop constraint package_version_package_fkey',
  ],
};
