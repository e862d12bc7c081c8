/**
 * Folders whose files are neither programs nor packages of a language: most lines of a package's file list. Nobody asks
 * which package owns them, so they are not kept.
 */
const SKIPPED_SHARE: ReadonlySet<string> = new Set([
  'doc',
  'fonts',
  'help',
  'i18n',
  'icons',
  'info',
  'lintian',
  'locale',
  'man',
  'mime',
  'zoneinfo',
]);
const SHARE = 'usr/share/';
const SKIPPED_END = /\.(?:py|pyc|h|hpp|js|mjs|ts|map|html|css|png|svg|mo|gz|txt|rb|pm|pl|a|el|vim)$/;

/** @param path below the root, no leading `/` */
export function isAskedFor(path: string): boolean {
  if (path.startsWith(SHARE) && SKIPPED_SHARE.has(path.slice(SHARE.length, path.indexOf('/', SHARE.length)))) {
    return false;
  }
  return path !== '' && path !== '.' && !SKIPPED_END.test(path);
}
