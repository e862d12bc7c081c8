import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decompress, detectCompression, extractTar } from '../../archive/index.ts';
import { type LayerIndex, parseWhiteout, type ResolvedImage } from '../../oci/index.ts';
import type { LayerFactsReader } from '../layers/layer-facts.ts';

const MAGIC_BYTES = 6;

/**
 * Unpacks an image's layers, one over the other, into an empty folder (in a sandbox's memory). Whiteouts are applied
 * before the entries of their own layer, because they only hide what lies below it (image-spec layer.md).
 */
export async function unpackRoot(image: ResolvedImage, root: string, layers: LayerFactsReader): Promise<void> {
  const { blobs, manifest, config } = image;
  for (const [at, layer] of manifest.layers.entries()) {
    const diffId = config.rootfs.diff_ids[at];
    if (at > 0 && diffId !== undefined) await hide(root, (await layers.read(blobs, layer, diffId)).index);
    await extractTar(await plain(await blobs.open(layer.digest)), root, {
      filter: (header) => parseWhiteout(header.path) === undefined,
      folderOverSymlink: 'replace',
      allowMissingEnd: true,
    });
  }
}

async function plain(source: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = source[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < MAGIC_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(next.value);
    length += next.value.byteLength;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* first;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  }
  return decompress(all(), detectCompression(Buffer.concat(first)));
}

async function hide(root: string, index: LayerIndex): Promise<void> {
  for (const path of index.whiteouts) {
    if (await leadsThroughFolders(root, path)) await rm(join(root, path), { recursive: true, force: true });
  }
  for (const path of index.opaques) {
    if (!(await leadsThroughFolders(root, `${path}/x`))) continue;
    for (const name of await readdir(join(root, path)).catch(() => [])) {
      await rm(join(root, path, name), { recursive: true, force: true });
    }
  }
}

/** True when every folder on the way is a real folder: a symlink there could lead out of the root. */
async function leadsThroughFolders(root: string, path: string): Promise<boolean> {
  const parts = path.split('/').slice(0, -1);
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const stat = await lstat(join(root, ...parts.slice(0, depth))).catch(() => undefined);
    if (stat?.isDirectory() !== true) return false;
  }
  return true;
}
