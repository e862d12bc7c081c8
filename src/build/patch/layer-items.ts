import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { type LayerItem, opaqueOf, whiteoutOf } from '../../oci/index.ts';
import type { Change } from '../../runtime/sandbox/index.ts';
import { isLeftover } from './leftovers.ts';

const MARKER = { type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0 } as const;

/**
 * What the package manager changed, as entries of a layer: leftovers dropped, whiteouts as the OCI layer format has
 * them. Folders stay when something in them changed, when they are new, or when their mode or owner changed.
 *
 * @param root the image's unpacked root, to tell new folders from old ones
 */
export async function layerItems(changes: readonly Change[], root: string): Promise<readonly LayerItem[]> {
  const kept = changes.filter((change) => !isLeftover(pathOf(change)));
  const parents = new Set<string>();
  for (const change of kept) {
    if (change.kind === 'entry' && change.header.type === 'directory') continue;
    const parts = pathOf(change).split('/');
    for (let depth = 1; depth < parts.length; depth += 1) parents.add(parts.slice(0, depth).join('/'));
  }
  const items: LayerItem[] = [];
  for (const change of kept) {
    const path = pathOf(change);
    if (change.kind === 'whiteout') items.push(marker(whiteoutOf(path)));
    else if (change.kind === 'opaque') items.push(marker(opaqueOf(path)));
    else if (
      change.header.type !== 'directory' ||
      parents.has(path) ||
      (await folderDiffers(join(root, path), change))
    ) {
      items.push(itemOf(change));
    }
  }
  return items;
}

const pathOf = (change: Change): string => (change.kind === 'entry' ? change.header.path : change.path);

const marker = (path: string): LayerItem => ({ header: { ...MARKER, path }, content: new Uint8Array() });

function itemOf(change: Extract<Change, { kind: 'entry' }>): LayerItem {
  if (change.content === undefined) return { header: change.header };
  return { header: change.header, content: readLater(change.content) };
}

/** Opened when it is its turn: a patch may change more files than a process may hold open. */
async function* readLater(path: Buffer): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path) as AsyncIterable<Uint8Array>;
}

async function folderDiffers(path: string, change: Extract<Change, { kind: 'entry' }>): Promise<boolean> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat?.isDirectory() !== true) return true;
  return (
    (stat.mode & 0o7777) !== change.header.mode || stat.uid !== change.header.uid || stat.gid !== change.header.gid
  );
}
