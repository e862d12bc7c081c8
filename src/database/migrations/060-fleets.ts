import type { Migration } from './migration.ts';

export const fleets060: Migration = {
  name: '060-fleets',
  statements: [
    // Whose image it is: the name stays the key, because it is also the name in the one registry of the home.
    `alter table fleet_image add column fleet text`,
    // Rows from before: the fleet whose run made the image last; one that no run names is of the unnamed fleet.
    `update fleet_image set fleet = coalesce(
      (select run.fleet from task join run on run.id = task.run where task.image = fleet_image.name
        order by run.started desc limit 1), 'fleet')`,
    'alter table fleet_image alter column fleet set not null',
    'create index fleet_image_fleet on fleet_image (fleet)',
  ],
};
