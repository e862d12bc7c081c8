import type { FileMerge } from './three-sides.ts';

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
  // "user group mode path" (dpkg-statoverride(1)).
  ['var/lib/dpkg/statoverride', lastField],
  // "md5  path" (ucf(1)).
  ['var/lib/ucf/hashfile', lastField],
  ['etc/apk/world', packageName],
]);

function firstField(line: string): string {
  return line.split(':', 1)[0] ?? line;
}

function lastField(line: string): string {
  return line.split(' ').at(-1) ?? line;
}

/** A name of apk's world, without its version or repository. */
function packageName(line: string): string {
  return line.replace(/[<>=~@].*$/, '');
}

/** dpkg: packages that wait for a trigger, one a line; systemd's helper: links it made; apk's triggers. */
const PLAIN_LISTS =
  /^(?:var\/lib\/(?:dpkg\/triggers\/[^/]+|systemd\/deb-systemd-[a-z-]+\/.+)|(?:usr\/)?lib\/apk\/db\/triggers)$/;
const MEMBER_LISTS = new Set(['etc/group', 'etc/gshadow']);

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

export const isLineList = (path: string): boolean =>
  LINE_LISTS.has(path) || PACKAGE_LIST.test(path) || PLAIN_LISTS.test(path);

/** Three-way merge of a line list: order of the new base first, then what the child added. */
export function mergeLines(path: string, oldBase: string, newBase: string, child: string): FileMerge {
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
    const both = weChanged && theirs !== old && ours !== theirs;
    const members = both && MEMBER_LISTS.has(path) ? mergeMembers(old, theirs, ours) : undefined;
    if (both && members === undefined) return { kind: 'conflict', key };
    const line = members ?? (weChanged ? ours : theirs);
    if (line !== undefined) lines.push(line);
  }
  return { kind: 'merged', content: lines.length === 0 ? '' : `${lines.join('\n')}\n` };
}

/** A group to which both sides added members; undefined where more than the last field differs. */
function mergeMembers(
  old: string | undefined,
  theirs: string | undefined,
  ours: string | undefined,
): string | undefined {
  const [before, after, own] = [old, theirs, ours].map((line) => {
    const at = line?.lastIndexOf(':') ?? -1;
    const members = line
      ?.slice(at + 1)
      .split(',')
      .filter((member) => member !== '');
    return { head: line?.slice(0, at), members: members ?? [] };
  });
  if (before === undefined || after === undefined || own === undefined) return undefined;
  if (before.head !== after.head || before.head !== own.head) return undefined;
  const kept = after.members.filter((member) => own.members.includes(member) || !before.members.includes(member));
  const added = own.members.filter((member) => !before.members.includes(member) && !kept.includes(member));
  return `${after.head}:${[...kept, ...added].join(',')}`;
}
