import type { Migration } from './migration.ts';

/** What came of tests of images, with the ends of their logs: the last ones of each image are kept. */
export const verifications130: Migration = {
  name: '130-verifications',
  statements: [
    `create table verification (
      id text collate "C" primary key,
      image text collate "C" not null,
      digest text collate "C" not null,
      outcome text not null,
      reason text,
      mode text not null,
      finished timestamptz not null,
      milliseconds double precision not null,
      steps text not null,
      logs text not null
    )`,
    'create index verification_image on verification (image, finished)',
  ],
};
