import type { LayerEntry, LayerIndex } from './types.ts';

/** One path of the tree that a stack of layers makes. */
export interface FlatEntry {
  readonly entry: LayerEntry;
  /** Position in the stack, 0 at the bottom, of the layer that says so. */
  readonly layer: number;
  /** Of a hardlink: the file it shares, as it was when the link was made; undefined where the link dangles. */
  readonly target?: FlatEntry;
}

export type FlatTree = ReadonlyMap<string, FlatEntry>;

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** A tree under construction; knows folders that no layer spells out. */
class Tree {
  readonly entries = new Map<string, FlatEntry>();
  readonly #implied = new Set<string>();

  isFolder(path: string): boolean {
    return this.#implied.has(path) || this.entries.get(path)?.entry.type === 'directory';
  }

  /**
   * Makes the folders above a path. A link or file that stands there gives way, as in an overlay, where the upper
   * layer's folder hides what the lower one has (docker, podman).
   */
  #makeParents(path: string): void {
    for (let folder = parentOf(path); folder !== '' && !this.isFolder(folder); folder = parentOf(folder)) {
      this.entries.delete(folder);
      this.#implied.add(folder);
    }
  }

  set(path: string, value: FlatEntry): void {
    this.#makeParents(path);
    this.#implied.delete(path);
    this.entries.set(path, value);
  }

  /** Removes `subtrees` with all below them, and what is below `contents`. */
  hide(subtrees: ReadonlySet<string>, contents: ReadonlySet<string>): void {
    const isHidden = (path: string): boolean => {
      if (subtrees.has(path)) return true;
      for (let folder = parentOf(path); ; folder = parentOf(folder)) {
        if (subtrees.has(folder) || contents.has(folder)) return folder !== path;
        if (folder === '') return false;
      }
    };
    for (const path of this.entries.keys()) if (isHidden(path)) this.entries.delete(path);
    for (const path of this.#implied) if (isHidden(path)) this.#implied.delete(path);
  }

  /** Removes everything below a path that stops being a folder. */
  clear(path: string): void {
    const below = `${path}/`;
    for (const key of this.entries.keys()) if (key.startsWith(below)) this.entries.delete(key);
    for (const key of this.#implied) if (key.startsWith(below)) this.#implied.delete(key);
  }
}

/** Runs before the layer's own entries are in the tree, so it can only hide lower ones. */
function hideLower(tree: Tree, index: LayerIndex): void {
  const subtrees = new Set<string>();
  for (const path of index.whiteouts) {
    if (tree.isFolder(path)) subtrees.add(path);
    else tree.entries.delete(path);
  }
  const contents = new Set(index.opaques.filter((folder) => folder === '' || tree.isFolder(folder)));
  if (subtrees.size + contents.size > 0) tree.hide(subtrees, contents);
}

function apply(tree: Tree, entry: LayerEntry, layer: number): void {
  if (entry.path === '') return;
  if (entry.type !== 'directory' && tree.isFolder(entry.path)) tree.clear(entry.path);
  if (entry.type !== 'hardlink') {
    tree.set(entry.path, { entry, layer });
    return;
  }
  const linked = tree.entries.get(entry.linkName ?? '');
  const target = linked?.entry.type === 'hardlink' ? linked.target : linked;
  tree.set(entry.path, { entry, layer, ...(target === undefined ? {} : { target }) });
}

/**
 * The tree that layers make, bottom first (image-spec layer.md, "Applying Changesets"): whiteouts and opaque
 * folders hide lower layers only; a path that stops being a folder loses what was below it.
 * The root folder itself ('') is not in the result.
 */
export function flattenLayers(indexes: readonly LayerIndex[]): FlatTree {
  const tree = new Tree();
  for (const [layer, index] of indexes.entries()) {
    hideLower(tree, index);
    for (const entry of index.entries) apply(tree, entry, layer);
  }
  return tree.entries;
}
