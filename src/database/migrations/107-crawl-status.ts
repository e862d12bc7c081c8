import type { Migration } from './migration.ts';

export const crawlStatus107: Migration = {
  name: '107-crawl-status',
  statements: [
    // When each source of a fleet file is crawled next, what came of the last time, and which server is at it: one that
    // does not renew its lease is dead.
    `create table crawl_status (
      source text primary key,
      next timestamptz not null,
      failures integer not null,
      started timestamptz,
      finished timestamptz,
      succeeded timestamptz,
      error_code text,
      error_message text,
      progress integer,
      report text,
      owner text,
      lease timestamptz
    )`,
  ],
};
