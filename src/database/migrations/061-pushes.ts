import type { Migration } from './migration.ts';

export const pushes061: Migration = {
  name: '061-pushes',
  statements: [
    // What an outside registry has of the fleet's images: compared with fleet_image, it says what is still to be pushed.
    `create table pushed_image (
      name text not null,
      target text not null,
      digest text not null,
      pushed timestamptz not null,
      primary key (name, target)
    )`,
  ],
};
