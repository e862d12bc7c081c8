/** Lists that packages and image builders both append to, one entry a line; merged entry by entry. */
const LINE_LISTS: ReadonlyMap<string, (line: string) => string> = new Map([
  ['etc/passwd', firstField],
  ['etc/group', firstField],
  ['etc/shadow', firstField],
  ['etc/gshadow', firstField],
  ['etc/subuid', firstField],
  ['etc/subgid', firstField],
  ['etc/shells', wholeLine],
  // dpkg: one "path package" line per registered file trigger (deb-triggers(5), dpkg's triggers.txt).
  ['var/lib/dpkg/triggers/File', wholeLine],
  ['var/lib/dpkg/triggers/Unincorp', wholeLine],
  ['var/lib/dpkg/statoverride', wholeLine],
]);

function firstField(line: string): string {
  return line.split(':', 1)[0] ?? line;
}

function wholeLine(line: string): string {
  return line;
}

/**
 * What a package installed, one path a line. On images that leave files out (path-exclude: Debian's slim ones), dpkg
 * drops vanished folders from the lists of all packages whenever it installs one, so both sides rewrite the same lists.
 */
const PACKAGE_LIST = /^var\/lib\/dpkg\/info\/([^/:]+)(?::[^/]+)?\.list$/;

/** Name of the package whose list of installed files this is. */
export const packageOfList = (path: string): string | undefined => PACKAGE_LIST.exec(path)?.[1];

export const isLineList = (path: string): boolean => LINE_LISTS.has(path) || PACKAGE_LIST.test(path);

export type LineMerge =
  | { readonly kind: 'merged'; readonly text: string }
  | { readonly kind: 'conflict'; readonly key: string };

/** Three-way merge of a line list: order of the new base first, then what the child added. */
export function mergeLines(path: string, oldBase: string, newBase: string, child: string): LineMerge {
  const keyOf = LINE_LISTS.get(path) ?? wholeLine;
  const index = (text: string): ReadonlyMap<string, string> =>
    new Map(
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => [keyOf(line), line]),
    );
  const [before, after, own] = [index(oldBase), index(newBase), index(child)];
  const lines: string[] = [];
  for (const key of new Set([...after.keys(), ...own.keys()])) {
    const [old, theirs, ours] = [before.get(key), after.get(key), own.get(key)];
    const weChanged = ours !== old;
    if (weChanged && theirs !== old && ours !== theirs) return { kind: 'conflict', key };
    const line = weChanged ? ours : theirs;
    if (line !== undefined) lines.push(line);
  }
  return { kind: 'merged', text: lines.length === 0 ? '' : `${lines.join('\n')}\n` };
}
