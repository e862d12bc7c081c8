import { indexLayer, type ResolvedImage } from '../../oci/index.ts';
import type { LayerFacts } from '../layers/types.ts';
import type { OwnChanges } from './own-changes.ts';
import type { PreparedBase } from './prepare-base.ts';

/** Bytes of one file that may be read into memory for a merged layer. */
const MAX_FILE = 256 * 1024 * 1024;
/** Bytes of bases' files that stay in memory for the next child of a fleet. */
const KEPT_BYTES = 64 * 1024 * 1024;

interface Place {
  readonly layer: number;
  /** Another path in that layer, where the file is a hardlink to it. */
  readonly path: string;
}

const kept = new WeakMap<PreparedBase, Map<string, Uint8Array>>();

/** Content of files of a base, those not there left out. Each layer is read at most once for all of them. */
export async function readBaseFiles(
  base: PreparedBase,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const known = kept.get(base) ?? new Map<string, Uint8Array>();
  kept.set(base, known);
  const places = new Map<string, Place>();
  const found = new Map<string, Uint8Array>();
  for (const path of paths) {
    const flat = base.tree.get(path);
    const file = flat?.target ?? flat;
    if (file?.entry.type !== 'file') continue;
    const content = known.get(path) ?? base.facts[file.layer]?.files.get(file.entry.path);
    if (content !== undefined) found.set(path, content);
    else places.set(path, { layer: file.layer, path: file.entry.path });
  }
  const read = await readPlaces(base.image, places, 0);
  let bytes = known.values().reduce((sum, content) => sum + content.byteLength, 0);
  for (const [path, content] of read) {
    found.set(path, content);
    bytes += content.byteLength;
    if (bytes <= KEPT_BYTES) known.set(path, content);
  }
  return found;
}

/** The same of a child's own layers. @param first position of the lowest of them in the image */
export async function readOwnFiles(
  child: ResolvedImage,
  own: OwnChanges,
  facts: readonly LayerFacts[],
  first: number,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const places = new Map<string, Place>();
  const found = new Map<string, Uint8Array>();
  for (const path of paths) {
    const write = own.writes.get(path);
    if (write?.entry.type !== 'file') continue;
    const at = write.linkedTo ?? path;
    const content = facts[write.layer]?.files.get(at) ?? facts[write.layer]?.small.get(at);
    if (content !== undefined) found.set(path, content);
    else places.set(path, { layer: write.layer, path: at });
  }
  for (const [path, content] of await readPlaces(child, places, first)) found.set(path, content);
  return found;
}

async function readPlaces(
  image: ResolvedImage,
  places: ReadonlyMap<string, Place>,
  first: number,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  const byLayer = Map.groupBy(places, ([, { layer }]) => layer);
  for (const [layer, wanted] of byLayer) {
    const descriptor = image.manifest.layers[first + layer];
    if (descriptor === undefined) continue;
    const names = new Set(wanted.map(([, { path }]) => path));
    const { captured } = await indexLayer(await image.blobs.open(descriptor.digest), descriptor.mediaType, {
      name: descriptor.digest,
      capture: (header) => names.has(header.path),
      captureLimit: MAX_FILE,
    });
    for (const [path, place] of wanted) {
      const content = captured.get(place.path);
      if (content !== undefined) found.set(path, content);
    }
  }
  return found;
}
