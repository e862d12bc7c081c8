import { diffTrees, type FlatTree, flattenLayers, type LayerIndex } from '../oci/index.ts';

/** What a layer did to one path. */
export interface FileChange {
  readonly path: string;
  readonly action: 'added' | 'changed' | 'removed';
  /** Bytes; undefined of what was removed. */
  readonly size: number | undefined;
  /** Permission and set-id bits; undefined of what was removed. */
  readonly mode: number | undefined;
}

/**
 * What each layer did to the paths that are wanted, bottom first: what it shows that lay differently below it, or not at
 * all, and what it hides. A layer that ships a file again as it is did nothing to it (layers are compared by content
 * where they were read with `hashFiles`, else by size and time). Grows with layers × wanted paths.
 */
export function fileChanges(
  indexes: readonly LayerIndex[],
  wanted: (path: string) => boolean,
): readonly (readonly FileChange[])[] {
  const narrow = indexes.map((index) => ({ ...index, entries: index.entries.filter(({ path }) => wanted(path)) }));
  let below: FlatTree = new Map();
  return narrow.map((_, at) => {
    const tree = flattenLayers(narrow.slice(0, at + 1));
    const { added, changed, removed } = diffTrees(below, tree);
    below = tree;
    const shown = (path: string, action: FileChange['action']): FileChange => {
      const flat = tree.get(path);
      const entry = flat?.target?.entry ?? flat?.entry;
      return { path, action, size: entry?.size, mode: entry?.mode };
    };
    return [
      ...added.map((path) => shown(path, 'added')),
      ...changed.map((path) => shown(path, 'changed')),
      ...removed.map((path) => shown(path, 'removed')),
    ].sort((a, b) => (a.path < b.path ? -1 : 1));
  });
}
