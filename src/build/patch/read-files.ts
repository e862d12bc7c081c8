import { type FlatTree, indexLayer, type ResolvedImage } from '../../oci/index.ts';

/** Bytes of one file; package databases of 3,000 packages have a fraction. */
const MAX_FILE = 256 * 1024 * 1024;

/** Contents of files of an image's tree, each layer that has some read once. Names of one inode share its content. */
export async function readFiles(
  image: ResolvedImage,
  tree: FlatTree,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  /** Layer → path in it → paths that want it. */
  const byLayer = new Map<number, Map<string, string[]>>();
  for (const path of wanted) {
    const found = tree.get(path);
    const source = found?.target ?? found;
    if (source?.entry.type !== 'file') continue;
    const layer = byLayer.get(source.layer) ?? new Map<string, string[]>();
    layer.set(source.entry.path, [...(layer.get(source.entry.path) ?? []), path]);
    byLayer.set(source.layer, layer);
  }
  const files = new Map<string, Uint8Array>();
  for (const [position, paths] of byLayer) {
    const layer = image.manifest.layers[position];
    if (layer === undefined) continue;
    const { captured } = await indexLayer(await image.blobs.open(layer.digest), layer.mediaType, {
      name: layer.digest,
      capture: (header) => paths.has(header.path),
      captureLimit: MAX_FILE,
    });
    for (const [path, bytes] of captured) for (const name of paths.get(path) ?? []) files.set(name, bytes);
  }
  return files;
}
