import type { Migration } from './migration.ts';

export const outboxRetention062: Migration = {
  name: '062-outbox-retention',
  statements: [
    'create index outbox_time on outbox (time)',
    // What was announced and is no longer kept: the id alone, so that the same step does not announce it again.
    'create table outbox_pruned (id text primary key)',
  ],
};
