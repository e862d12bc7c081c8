import type { Migration } from './migration.ts';

/**
 * What hosts say their containers run. A container's packages are one text: they are asked for by image, and as rows a
 * thousand hosts would have millions, written anew with every report.
 */
export const hosts106: Migration = {
  name: '106-hosts',
  statements: [
    `create table agent_host (
      host text collate "C" primary key,
      name text not null,
      account text not null,
      observed timestamptz not null,
      reported timestamptz not null,
      expires timestamptz not null,
      unread integer not null
    )`,
    `create table agent_container (
      host text collate "C" not null references agent_host on delete cascade,
      container text collate "C" not null,
      engine text not null,
      name text,
      image_name text,
      digests text[] not null,
      image integer references image on delete set null,
      restart_due boolean not null,
      problem text,
      hash text not null,
      packages text not null,
      primary key (host, container)
    )`,
    'create index agent_container_image on agent_container (image) where image is not null',
  ],
};
