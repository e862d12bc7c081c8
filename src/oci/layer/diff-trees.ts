import type { FlatEntry, FlatTree } from './flatten.ts';
import type { LayerEntry } from './types.ts';

export interface TreeDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Another type, owner, mode, link, attribute or content; a newer time alone is no change. */
  readonly changed: readonly string[];
}

const attributes = (entry: LayerEntry): string => JSON.stringify(entry.xattrs ?? {});

/** What holds content and attributes: a hardlink's file, else the path itself. */
const inode = (flat: FlatEntry): LayerEntry => flat.target?.entry ?? flat.entry;

function sameContent(a: LayerEntry, b: LayerEntry): boolean {
  if (a.size !== b.size) return false;
  // Without hashes, an equal size and time is the best witness there is.
  return a.sha256 !== undefined && b.sha256 !== undefined ? a.sha256 === b.sha256 : a.mtime === b.mtime;
}

function isSame(left: FlatEntry, right: FlatEntry): boolean {
  const [a, b] = [inode(left), inode(right)];
  if (a === b) return true;
  if (a.type !== b.type || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (a.linkName !== b.linkName || a.device !== b.device || attributes(a) !== attributes(b)) return false;
  return a.type !== 'file' || sameContent(a, b);
}

/** Compares two flattened trees; paths in the order of their characters. Exact where both were indexed with `hashFiles`. */
export function diffTrees(before: FlatTree, after: FlatTree): TreeDiff {
  const added: string[] = [];
  const changed: string[] = [];
  for (const [path, flat] of after) {
    const old = before.get(path);
    if (old === undefined) added.push(path);
    else if (old !== flat && !isSame(old, flat)) changed.push(path);
  }
  const removed = [...before.keys()].filter((path) => !after.has(path));
  return { added: added.sort(), removed: removed.sort(), changed: changed.sort() };
}
