import type { LayerEntry, LayerIndex } from '../../oci/index.ts';
import { isLineList } from './merge-lines.ts';
import type { BaseChange, RebaseConflict } from './report.ts';

/** One flattened tree: path → topmost entry and the layer it comes from. */
export type Tree = ReadonlyMap<string, { readonly entry: LayerEntry; readonly layer: number }>;

/** A base with its flattened tree and the diff id of each of its layers. */
export interface BaseTree {
  readonly tree: Tree;
  readonly diffIds: readonly string[];
}

/** The package database itself, merged as a whole and never compared as a plain file. */
const DATABASE = 'var/lib/dpkg/status';

/**
 * Written by package managers as a by-product; what is true of them is derived anew from the database, or nobody
 * reads them in an image. A difference here is no conflict, the child's copy stays.
 */
const BY_PRODUCTS = [
  /^var\/lib\/dpkg\/(?:status-old|available(?:-old)?|lock(?:-frontend)?|diversions-old|statoverride-old|triggers\/Lock)$/,
  /^var\/cache\//,
  /^var\/log\//,
  /^var\/lib\/apt\//,
  /^var\/tmp\//,
  /^tmp\//,
  /^run\//,
  /^root\/\.cache\//,
];

/** How a base treats a path that the child touches: undefined when old and new base have the very same entry. */
export function baseChange(path: string, oldBase: BaseTree, newBase: BaseTree): BaseChange | undefined {
  const before = oldBase.tree.get(path);
  const after = newBase.tree.get(path);
  if (before === undefined) return after === undefined ? undefined : 'added';
  if (after === undefined) return 'removed';
  // The same layer blob gives the same file; no need to compare content.
  if (oldBase.diffIds[before.layer] === newBase.diffIds[after.layer]) return undefined;
  return sameEntry(before.entry, after.entry) ? undefined : 'changed';
}

/** Same content, kind and permissions. Times do not count; a file without a hash is never taken as the same. */
function sameEntry(a: LayerEntry, b: LayerEntry): boolean {
  if (a.type !== b.type || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.linkName !== b.linkName)
    return false;
  if (a.type !== 'file') return true;
  return a.size === b.size && a.sha256 !== undefined && a.sha256 === b.sha256;
}

export interface TouchedPaths {
  readonly conflicts: readonly RebaseConflict[];
  readonly overlapping: readonly string[];
  /** Line lists that both sides changed: to be merged from three sides. */
  readonly toMerge: readonly string[];
  /** The child's own layers write the package database. */
  readonly touchesDatabase: boolean;
}

/**
 * What the child's own layers write or delete, held against what the base changed.
 * Folders never conflict by themselves: a layer repeats a folder's entry whenever it writes into it.
 */
export function findPathConflicts(own: readonly LayerIndex[], oldBase: BaseTree, newBase: BaseTree): TouchedPaths {
  const conflicts: RebaseConflict[] = [];
  const overlapping: string[] = [];
  const toMerge: string[] = [];
  let touchesDatabase = false;
  const judge = (path: string, child: 'writes' | 'deletes'): void => {
    if (path === DATABASE || path.startsWith(`${DATABASE}.d/`)) {
      touchesDatabase = true;
      return;
    }
    if (BY_PRODUCTS.some((pattern) => pattern.test(path))) return;
    const base = baseChange(path, oldBase, newBase);
    if (base === undefined) {
      if (newBase.tree.has(path)) overlapping.push(path);
      return;
    }
    if (child === 'deletes' && base === 'removed') return;
    if (child === 'writes' && base === 'changed' && isLineList(path)) toMerge.push(path);
    else conflicts.push({ kind: 'path', path, base, child });
  };
  const seen = new Set<string>();
  // From the top down: only the topmost word of the child on a path counts.
  for (const layer of own.toReversed()) {
    for (const entry of layer.entries) {
      if (seen.has(entry.path)) continue;
      seen.add(entry.path);
      if (entry.type === 'directory' && !folderChanged(entry.path, oldBase.tree, newBase.tree)) continue;
      judge(entry.path, 'writes');
    }
    for (const path of [...layer.whiteouts, ...layer.opaques]) {
      for (const hidden of hiddenPaths(path, oldBase.tree, newBase.tree)) {
        if (seen.has(hidden)) continue;
        seen.add(hidden);
        judge(hidden, 'deletes');
      }
    }
  }
  return { conflicts, overlapping: overlapping.sort(), toMerge: toMerge.sort(), touchesDatabase };
}

/**
 * A layer repeats the entry of every folder it writes into, with the old base's mode and owner: harmless unless the
 * new base has other ones there, or no folder at all.
 */
function folderChanged(path: string, oldTree: Tree, newTree: Tree): boolean {
  const before = oldTree.get(path)?.entry;
  const after = newTree.get(path)?.entry;
  if (before === undefined || after === undefined) return after !== undefined && after.type !== 'directory';
  return !sameEntry(before, after);
}

/** The path itself and, for a folder, everything a whiteout of it hides in either base. */
function hiddenPaths(path: string, ...trees: readonly Tree[]): ReadonlySet<string> {
  const hidden = new Set<string>();
  const prefix = `${path}/`;
  for (const tree of trees) {
    const entry = tree.get(path)?.entry;
    if (entry !== undefined && entry.type !== 'directory') hidden.add(path);
    if (entry?.type !== 'directory') continue;
    for (const [candidate, { entry: below }] of tree) {
      if (candidate.startsWith(prefix) && below.type !== 'directory') hidden.add(candidate);
    }
  }
  return hidden;
}
