import { sourceError } from '../errors.ts';

/** A whole commit id: SHA-1 or SHA-256. */
export const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

const MAX_REF = 250;
/** What git-check-ref-format(1) refuses, and more: options, revision syntax, globs. */
const BAD_REF = /^[-/]|[^\x21-\x7e]|[~^:?*[\]\\{}'"`$;&|<>()]|\.\.|\/\/|@\{|\.lock(?:\/|$)|(?:^|\/)\.|[./]$|^@$/;

/** @throws SOURCE_REFUSED */
export function checkRef(ref: string): string {
  if (ref !== '' && ref.length <= MAX_REF && !BAD_REF.test(ref)) return ref;
  throw sourceError('SOURCE_REFUSED', `git ref ${JSON.stringify(ref.slice(0, MAX_REF))} is not a name of a ref`, {
    hint: 'Write a branch, a tag, refs/… or a whole commit id.',
  });
}

/**
 * A folder of a source in normal form, '' for all of it.
 * @throws SOURCE_REFUSED
 */
export function checkSubPath(path: string | undefined): string {
  const parts = (path ?? '').split('/').filter((part) => part !== '' && part !== '.');
  const bad = path?.startsWith('/') === true || parts.some((part) => part === '..' || isGitFolder(part));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  if (!bad && !/[\x00-\x1f\x7f]/.test(path ?? '')) return parts.join('/');
  throw sourceError('SOURCE_REFUSED', `the path ${JSON.stringify(path)} is not a folder of the source`, {
    hint: 'Write a relative path without `..`.',
  });
}

/** Names that some file system or git takes for `.git` (CVE-2014-9390, CVE-2019-1352). */
export function isGitFolder(name: string): boolean {
  const bare = name.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '').toLowerCase();
  return /^(?:\.git|git~[0-9]+)[. ]*(?:::?\$index_allocation)?(?::.*)?$/.test(bare);
}
