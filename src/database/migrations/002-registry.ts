import type { Migration } from './migration.ts';

export const registry002: Migration = {
  name: '002-registry',
  statements: [
    // Collation "C": pages are in byte order as the distribution specification asks, on every server's locale.
    `create table registry_repository (
      id integer primary key generated always as identity,
      name text collate "C" not null unique
    )`,
    `create table registry_manifest (
      repository integer not null references registry_repository (id) on delete cascade,
      digest text collate "C" not null,
      media_type text not null,
      size bigint not null,
      subject text collate "C",
      artifact_type text,
      annotations text,
      pushed timestamptz not null default now(),
      primary key (repository, digest)
    )`,
    `create index registry_manifest_subject on registry_manifest (repository, subject) where subject is not null`,
    `create table registry_tag (
      repository integer not null,
      name text collate "C" not null,
      digest text collate "C" not null,
      updated timestamptz not null default now(),
      primary key (repository, name),
      foreign key (repository, digest) references registry_manifest (repository, digest) on delete cascade
    )`,
    `create index registry_tag_digest on registry_tag (repository, digest)`,
    `create table registry_blob (
      repository integer not null references registry_repository (id) on delete cascade,
      digest text collate "C" not null,
      primary key (repository, digest)
    )`,
  ],
};
