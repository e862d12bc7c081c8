/**
 * The folders of src/ in order. A folder imports only folders that stand before it, through their index.ts.
 * Several names in one row stand on the same floor and still see only what precedes them in this list.
 */
export const FOLDERS = [
  'base',
  'archive',
  'oci',
  'elf',
  'distro',
  'language',
  'advisory',
  'storage',
  'database',
  'events',
  'access',
  'registry',
  'transport',
  'artifact',
  'runtime',
  'recipe',
  'feed',
  'inventory',
  'lint',
  'crawl',
  'plan',
  'build',
  'publish',
  'verify',
  'rollout',
  'engine',
  'http',
  'cli',
] as const;
