import type { Migration } from './migration.ts';

export const webhooks111: Migration = {
  name: '111-webhooks',
  statements: [
    // Webhooks that were taken: the same one again starts nothing.
    `create table webhook_delivery (
      forge text not null,
      id text collate "C" not null,
      received timestamptz not null,
      primary key (forge, id)
    )`,
    'create index webhook_delivery_received on webhook_delivery (received)',
    // Images whose source a webhook said to have changed; a row goes when a round has looked at it.
    `create table source_refresh (
      fleet text not null,
      image text collate "C" not null,
      requested timestamptz not null,
      primary key (fleet, image)
    )`,
    // What is to stand at a commit, and what the forge was told last. One row for an image and commit.
    `create table commit_status (
      fleet text not null,
      image text collate "C" not null,
      commit text not null,
      location text not null,
      state text not null,
      description text not null,
      told text,
      attempts integer not null default 0,
      next timestamptz,
      error text,
      updated timestamptz not null,
      primary key (fleet, image, commit)
    )`,
    'create index commit_status_next on commit_status (next) where next is not null',
  ],
};
