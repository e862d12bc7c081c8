import type { Migration } from './migration.ts';

export const advisoryNames083: Migration = {
  name: '083-advisory-names',
  statements: [
    // "Which images miss the fix for CVE-…": most documents name the CVE as an alias of their own id.
    'create index advisory_aliases on advisory using gin (aliases)',
    'create index package_version_source on package_version (source)',
  ],
};
