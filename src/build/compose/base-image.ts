import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decompressBuffer, extractTarBuffer, readTarBuffer, type TarHeader } from '../../archive/index.ts';
import {
  type Descriptor,
  flattenLayers,
  indexLayer,
  type LayerIndex,
  layerCompression,
  MediaType,
  parseWhiteout,
  type ResolvedImage,
} from '../../oci/index.ts';
import { ahead } from './ahead.ts';
import { composeError } from './errors.ts';

/** Bytes of one layer of a base image, compressed and not. */
const MAX_LAYER_BYTES = 4 * 1024 ** 3;

/** A layer's archive, decompressed and verified. @throws COMPOSE_BASE_MISMATCH for a foreign media type */
export async function plainLayer(image: ResolvedImage, descriptor: Descriptor): Promise<Buffer> {
  const compression = layerCompression(descriptor.mediaType);
  if (compression === undefined) {
    throw composeError('COMPOSE_BASE_MISMATCH', `a layer of the base has the media type ${descriptor.mediaType}`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of await image.blobs.open(descriptor.digest)) chunks.push(chunk as Buffer);
  return decompressBuffer(Buffer.concat(chunks), compression, { maxBytes: MAX_LAYER_BYTES });
}

/** Layers decompressed in advance: each is whole in memory. */
export const LAYERS_AHEAD = 2;

/** A file of an image, with what the layer says of it. */
export interface BaseFile {
  readonly header: TarHeader;
  readonly content: Buffer;
}

/**
 * Finds regular files in an image, from its topmost layer down, and reads no layer below the one where all `needed`
 * paths are found: what a composed image's child needs stands in one small layer at the top.
 * @param also says which other files to take from the layers read
 */
export async function readBaseFiles(
  image: ResolvedImage,
  needed: readonly string[],
  also: (path: string) => boolean = () => false,
): Promise<ReadonlyMap<string, BaseFile>> {
  const found = new Map<string, BaseFile>();
  const open = new Set(needed);
  const hidden: string[] = [];
  const isHidden = (path: string): boolean =>
    hidden.some((folder) => path === folder || folder === '' || path.startsWith(`${folder}/`));
  for (const descriptor of image.manifest.layers.toReversed()) {
    if (open.size === 0) break;
    const { files, whiteouts } = scanLayer(await plainLayer(image, descriptor), (path) => open.has(path) || also(path));
    for (const [path, file] of files) if (!found.has(path) && !isHidden(path)) found.set(path, file);
    hidden.push(...whiteouts);
    for (const path of open) if (found.has(path) || isHidden(path)) open.delete(path);
  }
  return found;
}

function scanLayer(
  bytes: Buffer,
  isWanted: (path: string) => boolean,
): { readonly files: ReadonlyMap<string, BaseFile>; readonly whiteouts: readonly string[] } {
  const files = new Map<string, BaseFile>();
  const whiteouts: string[] = [];
  for (const { content, ...header } of readTarBuffer(bytes, undefined, { allowMissingEnd: true })) {
    const whiteout = parseWhiteout(header.path);
    if (whiteout?.kind === 'hides' || whiteout?.kind === 'opaque') whiteouts.push(whiteout.path);
    else if (header.type === 'file' && isWanted(header.path)) files.set(header.path, { header, content });
  }
  return { files, whiteouts };
}

/** Unpacks the tree that an image's layers make into an empty folder. */
export async function unpackImage(image: ResolvedImage, folder: string): Promise<void> {
  const plain = (): AsyncGenerator<Buffer, void> =>
    ahead(image.manifest.layers, LAYERS_AHEAD, (layer) => plainLayer(image, layer));
  if (await unpackInOrder(plain(), folder)) return;
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
  const indexes: LayerIndex[] = [];
  for await (const bytes of plain()) indexes.push(await indexOf(bytes));
  const tree = flattenLayers(indexes);
  let position = 0;
  for await (const bytes of plain()) {
    const here = position;
    unpack(bytes, folder, ({ path }) => tree.get(path)?.layer === here);
    position += 1;
  }
}

/** True when no layer hides anything below it, so that unpacking one over the other was right. */
async function unpackInOrder(layers: AsyncIterable<Buffer>, folder: string): Promise<boolean> {
  for await (const bytes of layers) {
    if (hasWhiteouts(bytes)) return false;
    unpack(bytes, folder, () => true);
  }
  return true;
}

function unpack(bytes: Buffer, folder: string, isWanted: (header: TarHeader) => boolean): void {
  extractTarBuffer(bytes, folder, {
    allowMissingEnd: true,
    folderOverSymlink: 'replace',
    filter: (header) => parseWhiteout(header.path) === undefined && isWanted(header),
  });
}

function hasWhiteouts(layer: Buffer): boolean {
  return readTarBuffer(layer, undefined, { allowMissingEnd: true }).some(
    ({ path }) => parseWhiteout(path) !== undefined,
  );
}

/** What the archive of a layer holds. */
export async function indexOf(bytes: Buffer): Promise<LayerIndex> {
  const source = (async function* () {
    yield bytes;
  })();
  return (await indexLayer(source, MediaType.layer)).index;
}
