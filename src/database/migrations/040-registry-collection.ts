import type { Migration } from './migration.ts';

export const registryCollection040: Migration = {
  name: '040-registry-collection',
  statements: [
    // What a manifest names stands in its own row: publishing pays no statement more, and collection marks by unnesting.
    `alter table registry_manifest add column names text[] collate "C"`,
    'create index registry_manifest_unread on registry_manifest (digest) where names is null',
    'create index registry_manifest_digest on registry_manifest (digest)',
    'create index registry_manifest_pushed on registry_manifest (pushed)',
    'alter table registry_blob add column size bigint, add column touched timestamptz not null default now()',
    'create index registry_blob_digest on registry_blob (digest)',
    // Scratch of collections: nothing is lost with it.
    `create unlogged table registry_candidate (
      run text not null,
      digest text collate "C" not null,
      size bigint not null,
      primary key (run, digest)
    )`,
  ],
};
