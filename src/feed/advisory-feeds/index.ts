/** Imported advisories: entered by an index of its own, so that a feed of packages loads no database. */
export { feedLocation, type ImportOptions, type ImportResult, importFeed } from './import-feed.ts';
export { findAdvisories } from './look-up.ts';
export { type ImportedFeed, listFeeds, removeFeed } from './store.ts';
