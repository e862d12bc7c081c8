import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTarBuffer, type TarHeader } from '../../archive/index.ts';
import { writeCacheFile } from '../../base/index.ts';
import { type Digest, digestHex, type LayerItem } from '../../oci/index.ts';
import { plainLayer } from './base-image.ts';
import type { PackageRecord } from './package-record.ts';
import type { ComposeRequest } from './types.ts';

/** Mode, owner, group and time of a folder. */
type Attributes = readonly [mode: number, uid: number, gid: number, mtime: number];
type Folders = Readonly<Record<string, Attributes>>;

const fileOf = (cache: string, diffId: Digest): string =>
  join(cache, 'compose', 'folders', `${digestHex(diffId)}.json`);

/** Notes which folders a layer has, so that images on top of it need not read it. */
export async function keepFolders(cache: string, diffId: Digest, headers: Iterable<TarHeader>): Promise<void> {
  const folders: Record<string, Attributes> = {};
  for (const { type, path, mode, uid, gid, mtime } of headers) {
    if (type === 'directory') folders[path] = [mode, uid, gid, mtime];
  }
  await writeCacheFile(fileOf(cache, diffId), JSON.stringify(folders));
}

async function foldersOf(request: ComposeRequest, position: number): Promise<Folders> {
  const image = request.base?.image;
  const [layer, diffId] = [image?.manifest.layers[position], image?.config.rootfs.diff_ids[position]];
  if (image === undefined || layer === undefined || diffId === undefined) return {};
  try {
    return JSON.parse(await readFile(fileOf(request.cache, diffId), 'utf8')) as Folders;
  } catch {
    const entries = readTarBuffer(await plainLayer(image, layer), undefined, { allowMissingEnd: true });
    await keepFolders(request.cache, diffId, entries);
    return JSON.parse(await readFile(fileOf(request.cache, diffId), 'utf8')) as Folders;
  }
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_part, index) => parts.slice(0, index + 1).join('/'));
}

/**
 * Adds the folders that lead to the items, with mode, owner and time as the image has them below: a layer without them
 * lets the engine that unpacks it invent folders, which then hide the real ones' modes and owners.
 * @param below items of layers between the packages and this one, topmost last
 */
export async function withFolders(
  request: ComposeRequest,
  items: readonly LayerItem[],
  below: readonly LayerItem[],
  records: readonly PackageRecord[],
  epoch: number,
): Promise<readonly LayerItem[]> {
  const present = new Set(items.map(({ header }) => header.path));
  const wanted = new Set(items.flatMap(({ header }) => parentsOf(header.path)).filter((path) => !present.has(path)));
  if (wanted.size === 0) return items;
  const found = new Map<string, Attributes>();
  const take = (path: string, attributes: Attributes): void => {
    if (wanted.has(path) && !found.has(path)) found.set(path, attributes);
  };
  for (const { header } of below.toReversed()) {
    if (header.type === 'directory') take(header.path, [header.mode, header.uid, header.gid, header.mtime]);
  }
  for (const record of records) {
    for (const line of record.paths) {
      if (!line.startsWith('d ')) continue;
      const [, mode = '', uid = '', gid = ''] = line.split(' ', 4);
      const path = line.slice(mode.length + uid.length + gid.length + 5);
      take(path, [Number.parseInt(mode, 8), Number(uid), Number(gid), epoch]);
    }
  }
  for (let position = (request.base?.image.manifest.layers.length ?? 0) - 1; position >= 0; position -= 1) {
    if (found.size === wanted.size) break;
    const folders = await foldersOf(request, position);
    for (const path of wanted) if (Object.hasOwn(folders, path)) take(path, folders[path] as Attributes);
  }
  const parents = [...wanted].map((path) => {
    const [mode, uid, gid, mtime] = found.get(path) ?? [0o755, 0, 0, epoch];
    return { header: { path, type: 'directory', mode, uid, gid, size: 0, mtime } as const };
  });
  return [...parents, ...items];
}
