import { lstat, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { TarHeader } from '../../archive/index.ts';
import { messageOf } from '../../base/index.ts';
import type { LayerItem } from '../../oci/index.ts';
import type { Recipe, RecipeFile } from '../../recipe/index.ts';
import { composeError } from './errors.ts';
import { imagePath } from './merged-usr.ts';
import { isPattern, type SourceEntry, sourceTree } from './source-tree.ts';

/** Bytes of one file that a recipe takes from beside it. */
const MAX_SOURCE_BYTES = 1024 ** 3;
/** Bytes of all files below its folders and patterns together. */
const MAX_TREE_BYTES = 4 * 1024 ** 3;

/** Where files come from, and where they go. */
interface Surroundings {
  readonly directory: string;
  readonly confine: string | undefined;
  readonly epoch: number;
  /** Where a path lies in the image once links are followed. */
  readonly place: (path: string) => string;
}

/**
 * The files of a recipe as layer entries; times are the epoch, so that a checkout's times do not matter.
 * @param place where a path lies in the image; default: as in every Debian image
 */
export async function recipeItems(
  recipe: Recipe,
  directory: string,
  confine: string | undefined,
  epoch: number,
  place: (path: string) => string = imagePath,
): Promise<readonly LayerItem[]> {
  const files = recipe.files ?? [];
  const around = { directory, confine, epoch, place };
  const items = await Promise.all(files.map((file) => itemsOf(file, around)));
  // Folders that stand for themselves come first: of a path that is a folder twice, the first counts.
  const isFolder = (index: number): boolean => files[index]?.directory === true;
  return [...items.filter((_, index) => isFolder(index)), ...items.filter((_, index) => !isFolder(index))].flat();
}

const cleanPath = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '')
    .join('/');

const octal = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number.parseInt(text, 8);

async function itemsOf(file: RecipeFile, around: Surroundings): Promise<readonly LayerItem[]> {
  const { directory, confine, epoch, place } = around;
  const path = place(cleanPath(file.path));
  const mode = octal(file.mode);
  const common = { path, uid: file.uid ?? 0, gid: file.gid ?? 0, size: 0, mtime: epoch };
  if (file.directory === true) return [{ header: { ...common, type: 'directory', mode: mode ?? 0o755 } }];
  if (file.symlink !== undefined) {
    return [{ header: { ...common, type: 'symlink', mode: 0o777, linkName: file.symlink } }];
  }
  if (file.source !== undefined && (await isTree(file.source, directory))) {
    return treeItems(file, file.source, around);
  }
  const content =
    file.source === undefined
      ? Buffer.from(file.content ?? '', 'utf8')
      : await readSource(file.source, directory, confine);
  const header: TarHeader = { ...common, type: 'file', mode: mode ?? 0o644, size: content.length };
  return [{ header, content }];
}

/** A folder, or a pattern that is not the name of something that is there. */
async function isTree(source: string, directory: string): Promise<boolean> {
  const found = await stat(resolve(directory, source)).catch(() => undefined);
  return found?.isDirectory() ?? isPattern(source);
}

async function treeItems(
  file: RecipeFile,
  source: string,
  { directory, confine, epoch, place }: Surroundings,
): Promise<readonly LayerItem[]> {
  const { root, entries } = await sourceTree(directory, source, file.exclude ?? []);
  await refuseOutside(root, source, confine);
  if (entries.length === 0) throw bad(source, 'nothing matches it');
  const owner = { uid: file.uid ?? 0, gid: file.gid ?? 0, mtime: epoch };
  const top = cleanPath(file.path);
  const folder = (path: string): LayerItem => ({
    header: { ...owner, path: place(path), type: 'directory', mode: octal(file.directoryMode) ?? 0o755, size: 0 },
  });
  const items = [folder(top)];
  let bytes = 0;
  for (const entry of entries) {
    const path = `${top}/${entry.path}`;
    if (entry.kind === 'directory') items.push(folder(path));
    else {
      const item = await entryItem(entry, join(root, entry.path), source);
      bytes += item.header.size;
      if (bytes > MAX_TREE_BYTES) throw bad(source, `it holds more than ${MAX_TREE_BYTES} bytes`);
      const mode = item.header.type === 'file' ? (octal(file.mode) ?? item.header.mode) : item.header.mode;
      items.push({ ...item, header: { ...item.header, ...owner, mode, path: place(path) } });
    }
  }
  return items;
}

async function entryItem(entry: SourceEntry, path: string, source: string): Promise<LayerItem> {
  const common = { path: entry.path, uid: 0, gid: 0, mtime: 0 };
  if (entry.kind === 'symlink') {
    return { header: { ...common, type: 'symlink', mode: 0o777, size: 0, linkName: await readlink(path) } };
  }
  const found = await lstat(path);
  if (!found.isFile()) throw bad(source, `${entry.path} is neither file, folder nor link`);
  if (found.size > MAX_SOURCE_BYTES) throw bad(source, `${entry.path} has more than ${MAX_SOURCE_BYTES} bytes`);
  const content = await readFile(path);
  const mode = (found.mode & 0o100) === 0 ? 0o644 : 0o755;
  return { header: { ...common, type: 'file', mode, size: content.length }, content };
}

const bad = (source: string, why: string, cause?: unknown): Error =>
  composeError('COMPOSE_SOURCE_INVALID', `cannot take ${source} into the image: ${why}`, { cause });

async function refuseOutside(path: string, source: string, confine: string | undefined): Promise<void> {
  if (confine === undefined) return;
  const [real, limit] = [await realpath(path), await realpath(confine)];
  if (real !== limit && !real.startsWith(limit + sep)) throw bad(source, `it lies outside ${confine}`);
}

/** A file beside the recipe. @throws COMPOSE_SOURCE_INVALID */
export async function readSource(source: string, directory: string, confine: string | undefined): Promise<Buffer> {
  try {
    const real = await realpath(resolve(directory, source));
    await refuseOutside(real, source, confine);
    const found = await stat(real);
    if (!found.isFile()) throw bad(source, 'it is no file');
    if (found.size > MAX_SOURCE_BYTES) throw bad(source, `it has more than ${MAX_SOURCE_BYTES} bytes`);
    return await readFile(real);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    if ((error as { code?: string }).code?.startsWith('COMPOSE_')) throw error;
    throw bad(source, messageOf(error), error);
  }
}
