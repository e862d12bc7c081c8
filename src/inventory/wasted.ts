import type { FlatTree, LayerIndex } from '../oci/index.ts';

export interface LayerWaste {
  /** Bytes of file contents the layer ships. */
  readonly bytes: number;
  /** Of these, bytes no path of the finished image shows any more. */
  readonly wasted: number;
}

/** Per layer: what it ships and what of that later layers (or later entries of the same one) hide. */
export function wastedBytes(indexes: readonly LayerIndex[], tree: FlatTree): readonly LayerWaste[] {
  const shown = new Map<number, number>();
  const seen = new Set<object>();
  for (const flat of tree.values()) {
    // Several hard links show one content.
    const { entry, layer } = flat.target ?? flat;
    if (entry.type !== 'file' || seen.has(entry)) continue;
    seen.add(entry);
    shown.set(layer, (shown.get(layer) ?? 0) + entry.size);
  }
  return indexes.map((index, layer) => {
    const bytes = index.entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);
    return { bytes, wasted: bytes - (shown.get(layer) ?? 0) };
  });
}
