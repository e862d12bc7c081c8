import { readFile, realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import type { TarHeader } from '../../archive/index.ts';
import { messageOf } from '../../base/index.ts';
import type { LayerItem } from '../../oci/index.ts';
import type { Recipe, RecipeFile } from '../../recipe/index.ts';
import { composeError } from './errors.ts';
import { imagePath } from './merged-usr.ts';

/** Bytes of one file that a recipe takes from beside it. */
const MAX_SOURCE_BYTES = 1024 ** 3;

/** The files of a recipe as layer entries; times are the epoch, so that a checkout's times do not matter. */
export async function recipeItems(
  recipe: Recipe,
  directory: string,
  confine: string | undefined,
  epoch: number,
): Promise<readonly LayerItem[]> {
  return Promise.all((recipe.files ?? []).map((file) => itemOf(file, directory, confine, epoch)));
}

async function itemOf(
  file: RecipeFile,
  directory: string,
  confine: string | undefined,
  epoch: number,
): Promise<LayerItem> {
  const path = imagePath(
    file.path
      .split('/')
      .filter((part) => part !== '')
      .join('/'),
  );
  const mode = file.mode === undefined ? undefined : Number.parseInt(file.mode, 8);
  const common = { path, uid: file.uid ?? 0, gid: file.gid ?? 0, size: 0, mtime: epoch };
  if (file.directory === true) return { header: { ...common, type: 'directory', mode: mode ?? 0o755 } };
  if (file.symlink !== undefined) {
    return { header: { ...common, type: 'symlink', mode: 0o777, linkName: file.symlink } };
  }
  const content =
    file.source === undefined
      ? Buffer.from(file.content ?? '', 'utf8')
      : await readSource(file.source, directory, confine);
  const header: TarHeader = { ...common, type: 'file', mode: mode ?? 0o644, size: content.length };
  return { header, content };
}

async function readSource(source: string, directory: string, confine: string | undefined): Promise<Buffer> {
  const bad = (why: string, cause?: unknown): Error =>
    composeError('COMPOSE_SOURCE_INVALID', `cannot take ${source} into the image: ${why}`, { cause });
  try {
    const real = await realpath(resolve(directory, source));
    if (confine !== undefined && !real.startsWith((await realpath(confine)) + sep))
      throw bad(`it lies outside ${confine}`);
    const found = await stat(real);
    if (!found.isFile()) throw bad('it is no file');
    if (found.size > MAX_SOURCE_BYTES) throw bad(`it has more than ${MAX_SOURCE_BYTES} bytes`);
    return await readFile(real);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    if ((error as { code?: string }).code?.startsWith('COMPOSE_')) throw error;
    throw bad(messageOf(error), error);
  }
}
