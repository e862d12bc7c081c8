import type { Migration } from './migration.ts';

export const crawl086: Migration = {
  name: '086-crawl',
  statements: [
    // What each name meant when a source was crawled last: a name that still means the same is not read again.
    `create table crawl_reference (
      source text not null,
      reference text collate "C" not null,
      digest text not null,
      image text not null,
      seen timestamptz not null,
      primary key (source, reference)
    )`,
  ],
};
