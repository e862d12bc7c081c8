import type { Migration } from './migration.ts';

/** What people call an image by: its last path segment without tag and digest. Found by index, not by reading a fleet. */
export const imageNames101: Migration = {
  name: '101-image-names',
  statements: [
    `create function image_short_name(reference text) returns text language sql immutable parallel safe
      return regexp_replace(regexp_replace(regexp_replace(reference, '^.*/', ''), '@.*$', ''), '(.):[^:]*$', '\\1')`,
    'create index image_reference_name on image_reference (image_short_name(reference), reference) where until is null',
    'create index fleet_image_reference on fleet_image (repository, tag)',
    'create index fleet_image_digest on fleet_image (digest)',
  ],
};
