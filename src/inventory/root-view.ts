import { constants } from 'node:fs';
import { lstat, open, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/index.ts';
import { CAPTURE_FILE_LIMIT } from './captured-paths.ts';
import { inventoryError } from './errors.ts';
import { type FileView, followLinks } from './file-view.ts';

/**
 * The files of a root folder on disk. Links are followed as if the folder were `/`: an absolute target or `..` never
 * leaves it.
 * @throws INVENTORY_ROOT_UNREADABLE
 */
export async function rootView(root: string): Promise<FileView> {
  const info = await stat(root).catch((error: unknown) => {
    throw unreadable(root, messageOf(error), error);
  });
  if (!info.isDirectory()) throw unreadable(root, 'it is not a folder');
  return {
    async read(path) {
      const at = await resolveInside(root, path);
      if (at === undefined) return undefined;
      try {
        // Not following the last part closes the gap between looking and opening.
        const handle = await open(join(root, at), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
        try {
          const { size } = await handle.stat();
          if (size > CAPTURE_FILE_LIMIT) return { kind: 'unread', reason: `has ${size} bytes, more than are read` };
          return { kind: 'content', bytes: await handle.readFile() };
        } finally {
          await handle.close();
        }
      } catch (error) {
        return { kind: 'unread', reason: messageOf(error).replaceAll(root, '') };
      }
    },
    async list(folder) {
      const at = await resolveInside(root, folder);
      if (at === undefined) return [];
      return (await readdir(join(root, at)).catch(() => [])).sort();
    },
  };
}

function unreadable(root: string, why: string, cause?: unknown): Error {
  return inventoryError('INVENTORY_ROOT_UNREADABLE', `cannot read the root folder ${root}: ${why}`, {
    hint: 'dir: takes the folder that would be / inside a container.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Path below the root of an existing regular file or folder; undefined where there is none or a link loops. */
async function resolveInside(root: string, path: string): Promise<string | undefined> {
  const at = await followLinks(path, (here) => readlink(join(root, here)).catch(() => undefined));
  if (at === undefined) return undefined;
  const info = await lstat(join(root, at)).catch(() => undefined);
  return info?.isFile() === true || info?.isDirectory() === true ? at : undefined;
}
