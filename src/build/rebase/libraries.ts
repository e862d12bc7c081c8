import type { BaseTree } from './conflicts.ts';
import { baseChange } from './conflicts.ts';
import type { RebaseConflict } from './report.ts';

/** A program or library among the child's own files that the dynamic loader will link. */
export interface LinkedFile {
  readonly path: string;
  readonly needed: readonly string[];
  /** Against what it is linked could not be told. */
  readonly unread?: true;
}

/** Reads what a library of a base exports: `symbol` or `symbol@VERSION`, and its SONAME. */
export interface LibraryReader {
  exports(
    base: 'old' | 'new',
    path: string,
  ): Promise<{ readonly soname: string | undefined; readonly symbols: ReadonlySet<string> }>;
}

/** Where ld.so looks by default on Debian's multiarch systems (ld.so(8)). */
const LIBRARY_FOLDERS = /^(?:usr\/)?lib(?:64|32)?(?:\/[a-z0-9_]+-linux-[a-z0-9]+)?$/;

const MAX_LINKS = 16;

/** Follows symlinks inside one tree; undefined when they lead nowhere. */
function resolveLink(path: string, base: BaseTree): string | undefined {
  let at = path;
  for (let step = 0; step < MAX_LINKS; step += 1) {
    const entry = base.tree.get(at)?.entry;
    if (entry === undefined) return undefined;
    if (entry.type !== 'symlink') return at;
    const target = entry.linkName ?? '';
    at = target.startsWith('/') ? target.slice(1) : joinPath(at.slice(0, Math.max(0, at.lastIndexOf('/'))), target);
  }
  return undefined;
}

function joinPath(folder: string, relative: string): string {
  const parts = folder === '' ? [] : folder.split('/');
  for (const part of relative.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

/** SONAME → path of the library in the base, first folder in path order. */
function librariesOf(base: BaseTree): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const path of base.tree.keys()) {
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    if (!name.includes('.so') || !LIBRARY_FOLDERS.test(path.slice(0, Math.max(0, slash)))) continue;
    if (!found.has(name)) found.set(name, path);
  }
  return found;
}

/** Why the new base's library cannot stand in for the old one's; undefined when it can. */
async function lossBetween(oldFile: string, newFile: string, reader: LibraryReader): Promise<string | undefined> {
  const [old, now] = await Promise.all([reader.exports('old', oldFile), reader.exports('new', newFile)]);
  if (now.soname !== old.soname) return `its SONAME is now ${now.soname ?? 'absent'}`;
  const missing = [...old.symbols].filter((symbol) => !now.symbols.has(symbol));
  if (missing.length === 0) return undefined;
  return `${missing.length} exported symbols are gone, ${missing.slice(0, 3).join(', ')} among them`;
}

/** SONAME → one of the child's files that needs it. */
function sonamesNeeded(linked: readonly LinkedFile[]): ReadonlyMap<string, string> {
  const neededBy = new Map<string, string>();
  for (const file of linked) {
    for (const soname of file.needed) if (!neededBy.has(soname)) neededBy.set(soname, file.path);
  }
  return neededBy;
}

/**
 * Proves that what the child's programs are linked against in the base is still there and still exports what it did:
 * same SONAME, and every (versioned) symbol of the old library also in the new one. Weaker than Debian's own promise
 * for a stable release, but it does not need one.
 */
export async function checkLibraries(
  linked: readonly LinkedFile[],
  oldBase: BaseTree,
  newBase: BaseTree,
  reader: LibraryReader,
): Promise<{ readonly conflicts: readonly RebaseConflict[]; readonly checked: readonly string[] }> {
  const conflicts: RebaseConflict[] = [];
  const checked: string[] = [];
  if (linked.length === 0) return { conflicts, checked };
  for (const { path, unread } of linked) {
    if (unread === undefined) continue;
    const reason = 'it is too large to be read whole, and their names do not stand where they do in other programs';
    conflicts.push({ kind: 'library', soname: 'libraries that were not read', neededBy: path, reason });
  }
  const [before, after] = [librariesOf(oldBase), librariesOf(newBase)];
  for (const [soname, neededBy] of sonamesNeeded(linked)) {
    const oldPath = before.get(soname);
    if (oldPath === undefined) continue; // the child's own library, or one it never had
    const oldFile = resolveLink(oldPath, oldBase);
    const newFile = resolveLink(after.get(soname) ?? '', newBase);
    if (newFile === undefined) {
      conflicts.push({ kind: 'library', soname, neededBy, reason: 'the new base has no such library' });
      continue;
    }
    const same = oldFile === undefined || (oldFile === newFile && baseChange(oldFile, oldBase, newBase) === undefined);
    if (same) continue;
    checked.push(soname);
    const reason = await lossBetween(oldFile, newFile, reader);
    if (reason !== undefined) conflicts.push({ kind: 'library', soname, neededBy, reason });
  }
  return { conflicts, checked: checked.sort() };
}
