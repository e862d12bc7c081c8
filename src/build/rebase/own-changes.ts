import type { LayerEntry, LayerIndex } from '../../oci/index.ts';

/** What the child's own layers leave at a path. */
export interface OwnWrite {
  /** Of a hardlink: the file it shares, under this path; `type` is `hardlink` where none of the child's own is. */
  readonly entry: LayerEntry;
  /** Position among the child's own layers. */
  readonly layer: number;
  /** Another of the child's paths that shares the file. */
  readonly linkedTo?: string;
}

/** A child's own layers taken together. */
export interface OwnChanges {
  readonly writes: ReadonlyMap<string, OwnWrite>;
  /** What of the base is hidden: a path with all below it, or what is below a folder that the child made anew. */
  readonly hides: ReadonlyMap<string, 'path' | 'content'>;
}

/** Layers from the bottom up, as an engine lays them over each other (image-spec layer.md, "Applying Changesets"). */
export function ownChanges(layers: readonly LayerIndex[]): OwnChanges {
  const changes = new Gathered();
  for (const [position, layer] of layers.entries()) {
    for (const path of layer.whiteouts) changes.hide(path);
    for (const path of layer.opaques) changes.empty(path);
    for (const entry of layer.entries) if (entry.path !== '') changes.write(entry, position);
  }
  return changes;
}

class Gathered implements OwnChanges {
  readonly writes = new Map<string, OwnWrite>();
  readonly hides = new Map<string, 'path' | 'content'>();

  hide(path: string): void {
    const write = this.writes.get(path);
    if (write === undefined || write.entry.type === 'directory') this.#dropBelow(path);
    this.writes.delete(path);
    this.hides.set(path, 'path');
  }

  empty(path: string): void {
    this.#dropBelow(path);
    if (!this.hides.has(path)) this.hides.set(path, 'content');
  }

  write(entry: LayerEntry, layer: number): void {
    const { path } = entry;
    if (entry.type !== 'directory' && this.writes.get(path)?.entry.type === 'directory') this.#dropBelow(path);
    const target = entry.type === 'hardlink' ? this.writes.get(entry.linkName ?? '') : undefined;
    if (target === undefined) this.writes.set(path, { entry, layer });
    else this.writes.set(path, { entry: { ...target.entry, path }, layer, linkedTo: entry.linkName ?? '' });
  }

  #dropBelow(path: string): void {
    const prefix = `${path}/`;
    for (const key of this.writes.keys()) if (key.startsWith(prefix)) this.writes.delete(key);
  }
}
