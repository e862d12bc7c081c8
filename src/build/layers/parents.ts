import type { FlatTree, LayerItem } from '../../oci/index.ts';

/**
 * Adds the folders that lead to the items, with mode, owner and time as the image has them. A layer without them
 * lets the engine that unpacks it invent folders, and those then hide the real ones' modes and owners.
 */
export function withParents(items: readonly LayerItem[], tree: FlatTree): readonly LayerItem[] {
  const present = new Set(items.map((item) => item.header.path));
  const parents = new Map<string, LayerItem>();
  for (const { header } of items) {
    const parts = header.path.split('/');
    for (let depth = 1; depth < parts.length; depth += 1) {
      const path = parts.slice(0, depth).join('/');
      if (present.has(path) || parents.has(path)) continue;
      const entry = tree.get(path)?.entry;
      parents.set(path, {
        header: {
          path,
          type: 'directory',
          mode: entry?.mode ?? 0o755,
          uid: entry?.uid ?? 0,
          gid: entry?.gid ?? 0,
          size: 0,
          mtime: entry?.mtime ?? header.mtime,
        },
      });
    }
  }
  return [...parents.values(), ...items];
}
