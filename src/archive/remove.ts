import { readdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { asCodedError } from '../base/index.ts';
import { native, statIfThere } from './root-folder.ts';

/** Real path of what stands under this very name; undefined where there is nothing, or a symlink lies on the way. */
function literalPlace(root: string, path: string): string | undefined {
  let place = resolve(root);
  for (const name of path.split('/')) {
    if (statIfThere(place)?.isDirectory() !== true) return undefined;
    place = `${place}/${name}`;
  }
  return statIfThere(place) === undefined ? undefined : place;
}

/**
 * Removes paths of an unpacked tree with all below them, or with 'content' only what is in a folder ('' is the root).
 * Names are taken literally: no symlink is followed. What is not there is no error.
 *
 * @param paths in the normal form archives have here: relative, no `..`
 * @throws SYSTEM_ERROR
 */
export function removeFromRoot(root: string, paths: Iterable<string>, what: 'all' | 'content' = 'all'): void {
  try {
    for (const path of paths) {
      const place = path === '' ? resolve(root) : literalPlace(root, path);
      if (place === undefined) continue;
      if (what === 'content') emptyFolder(place);
      else if (path !== '') rmSync(native(place), { recursive: true, force: true });
    }
  } catch (error) {
    throw asCodedError(error);
  }
}

function emptyFolder(place: string): void {
  if (statIfThere(place)?.isDirectory() !== true) return;
  const folder = native(place);
  const prefix = Buffer.concat([Buffer.from(folder), Buffer.from('/')]);
  for (const name of readdirSync(folder, { encoding: 'buffer' })) {
    rmSync(Buffer.concat([prefix, name]), { recursive: true, force: true });
  }
}
