export interface ProtectedPath {
  /** Folders as apk's patterns name them, one a level. */
  readonly pattern: readonly string[];
  /** False: a pattern that takes protection away. */
  readonly isProtected: boolean;
}

/** What apk protects where nobody says otherwise. */
export const DEFAULT_PROTECTED = ['+etc', '@etc/init.d', '!etc/apk'] as const;

/** Folder whose `*.list` files add to them, in the order of their names. */
export const PROTECTED_PATHS_FOLDER = 'etc/apk/protected_paths.d';

/**
 * Lines of etc/apk/protected_paths.d/*.list.
 * @see https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-protected_paths.5.scd
 */
export function parseProtectedPaths(lines: readonly string[]): readonly ProtectedPath[] {
  return lines.flatMap((line) => {
    if (line === '' || line.startsWith('#')) return [];
    // `+` changed files, `@` symlinks, `!` all: an upgrade treats the three alike, `apk audit` does not.
    const pattern = line.replace(/^[-+@!]?\/*|\/+$/g, '').split('/');
    return [{ pattern, isProtected: !line.startsWith('-') }];
  });
}

/** Is what a folder holds the owner's to change? As the last pattern that is its path says, else as where it lies. */
export function isProtectedFolder(folder: string, paths: readonly ProtectedPath[]): boolean {
  let isProtected = false;
  let open = paths;
  if (folder === '') return false;
  for (const name of folder.split('/')) {
    const below: ProtectedPath[] = [];
    for (const path of open) {
      const [first = '', ...rest] = path.pattern;
      if (!matchesName(first, name)) continue;
      if (rest.length === 0) isProtected = path.isProtected;
      else below.push({ ...path, pattern: rest });
    }
    open = below;
  }
  return isProtected;
}

/** fnmatch(3) of one name with FNM_PATHNAME: `*`, `?`, `[…]`; anything else stands for itself. */
function matchesName(pattern: string, name: string): boolean {
  return globExpression(pattern).test(name);
}

const expressions = new Map<string, RegExp>();
const MAX_EXPRESSIONS = 1000;

/** @throws nothing: what is no glob stands for itself */
function globExpression(pattern: string): RegExp {
  const known = expressions.get(pattern);
  if (known !== undefined) return known;
  if (expressions.size > MAX_EXPRESSIONS) expressions.clear();
  const source = pattern.replace(/\*+|\?|\[(!?)([^\]/]+)\]|[.+^${}()|[\]\\]/g, (part, not: string, set: string) => {
    if (part.startsWith('*')) return '[^/]*';
    if (part === '?') return '[^/]';
    if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replace(/[\\^]/g, '\\$&')}]`;
    return `\\${part}`;
  });
  let made: RegExp;
  try {
    made = new RegExp(`^${source}$`, 's');
  } catch {
    made = /^(?!)/;
  }
  expressions.set(pattern, made);
  return made;
}

/** Does a whole path match a trigger's pattern, name by name (fnmatch(3), FNM_PATHNAME)? */
export function matchesPath(pattern: string, path: string): boolean {
  const [patterns, names] = [pattern.split('/'), path.split('/')];
  return patterns.length === names.length && patterns.every((part, at) => matchesName(part, names[at] as string));
}
