import { opendir } from 'node:fs/promises';
import { join, matchesGlob, posix, resolve } from 'node:path';
import { composeError } from './errors.ts';

/** Entries that a recipe takes from folders and patterns beside it. */
const MAX_ENTRIES = 100_000;

export interface SourceEntry {
  /** Below the root, `/` between its parts. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
}

export interface SourceTree {
  /** What the paths start from: the folder, or the part of a pattern before its first special character. */
  readonly root: string;
  /** By path, folders before what is in them. Links are not followed. */
  readonly entries: readonly SourceEntry[];
}

export const isPattern = (source: string): boolean => /[*?[{]/.test(source);

/** The entries below a folder, or those that match a pattern, without those that are excluded. */
export async function sourceTree(directory: string, source: string, exclude: readonly string[]): Promise<SourceTree> {
  const parts = source.split('/').filter((part) => part !== '' && part !== '.');
  const special = parts.findIndex(isPattern);
  const fixed = special < 0 ? parts : parts.slice(0, special);
  const pattern = special < 0 ? undefined : parts.slice(special).join('/');
  const root = resolve(directory, ...fixed);
  const all = await list(root, source);
  const isExcluded = (path: string): boolean =>
    exclude.some((glob) => matchesGlob(path, glob) || matchesGlob(posix.basename(path), glob));
  const dropped: string[] = [];
  const entries: SourceEntry[] = [];
  for (const entry of all) {
    if (dropped.some((folder) => entry.path.startsWith(`${folder}/`))) continue;
    if (isExcluded(entry.path)) dropped.push(entry.path);
    else if (pattern === undefined) entries.push(entry);
    // Folders of a pattern's matches are made as they are needed.
    else if (entry.kind !== 'directory' && matchesGlob(entry.path, pattern)) entries.push(entry);
  }
  return { root, entries };
}

async function list(root: string, source: string): Promise<readonly SourceEntry[]> {
  const found: SourceEntry[] = [];
  const walk = async (folder: string, below: string): Promise<void> => {
    for await (const entry of await opendir(folder)) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      const kind = entry.isDirectory()
        ? 'directory'
        : entry.isSymbolicLink()
          ? 'symlink'
          : entry.isFile()
            ? 'file'
            : 'other';
      found.push({ path, kind });
      if (found.length > MAX_ENTRIES) {
        throw composeError('COMPOSE_SOURCE_INVALID', `${source} has more than ${MAX_ENTRIES} entries`, {
          hint: 'Name a smaller folder, or leave some out with `exclude`.',
        });
      }
      if (kind === 'directory') await walk(join(folder, entry.name), path);
    }
  };
  try {
    await walk(root, '');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || code.startsWith('COMPOSE_')) throw error;
    throw composeError('COMPOSE_SOURCE_INVALID', `cannot take ${source} into the image: ${message}`, { cause: error });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
