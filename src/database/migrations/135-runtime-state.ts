import type { Migration } from './migration.ts';

export const runtimeState135: Migration = {
  name: '135-runtime-state',
  statements: [
    // Whether what images are rolled out to answers, as a server found it last.
    `create table runtime_state (
      name text collate "C" primary key,
      state text not null,
      reason text not null,
      since timestamptz not null,
      retry timestamptz,
      seen timestamptz not null
    )`,
  ],
};
