import type { TarHeader } from '../../archive/index.ts';

/** Folders of / that are links into /usr on every Debian since bookworm (and by default since buster). */
const ALIASED = /^(?:bin|sbin|lib|lib32|lib64|libx32|libo32)(?=\/|$)/;

/** Where a package's path lies in an image whose /bin, /sbin and /lib* are links into /usr. */
export function canonicalPath(path: string): string {
  return ALIASED.test(path) ? `usr/${path}` : path;
}

/** Links that base-files makes: a layer with a file below one of them would turn the link into a folder. */
const RUN = /^var\/(run|lock)(?=\/|$)/;

/** Where a path that a recipe names lies, after the links of every Debian image are followed. */
export function imagePath(path: string): string {
  return canonicalPath(path.replace(RUN, (_all, name: string) => (name === 'run' ? 'run' : 'run/lock')));
}

/**
 * An entry of a package at its place in a merged /usr. A link that is itself an alias (base-files of trixie ships
 * `bin → usr/bin`) stays; a folder of that name would hide the link from all layers below, so it becomes usr/bin.
 */
export function canonicalEntry<Entry extends TarHeader>(entry: Entry): Entry {
  const isAlias = entry.type === 'symlink' && !entry.path.includes('/');
  const path = isAlias ? entry.path : canonicalPath(entry.path);
  if (entry.type !== 'hardlink' || entry.linkName === undefined)
    return path === entry.path ? entry : { ...entry, path };
  return { ...entry, path, linkName: canonicalPath(entry.linkName) };
}

/** Where the dynamic linker is /lib64/ld…. */
const LIB64: ReadonlySet<string> = new Set(['amd64', 'ppc64el']);

/** The links themselves, for images whose base-files does not ship them. */
export function aliasLinks(architecture: string): readonly TarHeader[] {
  const names = ['bin', 'lib', ...(LIB64.has(architecture) ? ['lib64'] : []), 'sbin'];
  const common = { uid: 0, gid: 0, size: 0, mtime: 0 } as const;
  return [
    ...names.map((name) => ({ ...common, path: name, type: 'symlink', mode: 0o777, linkName: `usr/${name}` }) as const),
    ...['', 'usr', ...names.map((name) => `usr/${name}`)].map(
      (path) => ({ ...common, path, type: 'directory', mode: 0o755 }) as const,
    ),
  ];
}
