import type { FlatEntry, FlatTree, LayerEntry } from '../../oci/index.ts';
import type { BaseChange } from './report.ts';

/** A base with its flattened tree and the diff id of each of its layers. */
export interface BaseTree {
  readonly tree: FlatTree;
  readonly diffIds: readonly string[];
}

/** The file a path stands for: of a hardlink, what it shares. */
export const fileAt = (flat: FlatEntry | undefined): LayerEntry | undefined => flat?.target?.entry ?? flat?.entry;

/** How a base treats a path: undefined when old and new base have the very same entry. */
export function baseChange(path: string, oldBase: BaseTree, newBase: BaseTree): BaseChange | undefined {
  const before = oldBase.tree.get(path);
  const after = newBase.tree.get(path);
  if (before === undefined) return after === undefined ? undefined : 'added';
  if (after === undefined) return 'removed';
  // The same layer blob gives the same file; no need to compare content.
  if (oldBase.diffIds[before.layer] === newBase.diffIds[after.layer]) return undefined;
  return sameEntry(fileAt(before), fileAt(after)) ? undefined : 'changed';
}

/** Same content, kind and permissions. Times do not count; a file without a hash is never taken as the same. */
export const sameEntry = (a: LayerEntry | undefined, b: LayerEntry | undefined): boolean =>
  a !== undefined && b !== undefined && sameContent(a, b) && sameAttributes(a, b);

export function sameContent(a: LayerEntry, b: LayerEntry): boolean {
  if (a.type !== b.type || a.device !== b.device) return false;
  if (a.type === 'file') return a.size === b.size && a.sha256 !== undefined && a.sha256 === b.sha256;
  return a.linkName === b.linkName;
}

/** Owner, mode and extended attributes; nobody asks for the mode of a symbolic link. */
export const sameAttributes = (a: LayerEntry, b: LayerEntry): boolean =>
  a.uid === b.uid &&
  a.gid === b.gid &&
  (a.mode === b.mode || a.type === 'symlink') &&
  (a.xattrs === b.xattrs || JSON.stringify(a.xattrs ?? {}) === JSON.stringify(b.xattrs ?? {}));

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
export const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
