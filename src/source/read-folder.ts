import { constants } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/index.ts';
import { sourceError } from './errors.ts';
import { isGitFolder } from './git/git-names.ts';
import { overLimit, shown, unsafe } from './refuse.ts';
import type { TreeEntry } from './tree-entry.ts';
import type { SourceLimits } from './types.ts';

/**
 * The files below a folder; `.git` and what it names is left out. Links are read, never followed.
 * @throws SOURCE_REF_UNKNOWN, SOURCE_LIMIT, SOURCE_UNSAFE (sockets, devices)
 */
export async function readFolder(folder: string, limits: SourceLimits): Promise<readonly TreeEntry[]> {
  const root = Buffer.from(folder);
  const facts = await lstat(folder).catch((error: unknown) => {
    throw missing(folder, messageOf(error));
  });
  if (!facts.isDirectory()) throw missing(folder, 'it is not a folder');
  const entries: TreeEntry[] = [];
  const waiting: Buffer[] = [Buffer.alloc(0)];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const found = await readdir(at.length === 0 ? root : below(root, at), { encoding: 'buffer' });
    const names = found.filter((name) => !isGitFolder(name.toString('utf8')));
    if (names.length === 0 && at.length > 0) entries.push(emptyFolder(at));
    for (const name of names) {
      const path = at.length === 0 ? name : below(at, name);
      const entry = await entryOf(path, below(root, path), limits);
      if (entry === 'folder') waiting.push(path);
      else entries.push(entry);
      if (entries.length > limits.files) throw overLimit(`more than ${limits.files} files`);
    }
  }
  return entries;
}

async function entryOf(path: Buffer, place: Buffer, limits: SourceLimits): Promise<TreeEntry | 'folder'> {
  const facts = await lstat(place);
  const { mode, size } = facts;
  if (facts.isDirectory()) return 'folder';
  if (facts.isSymbolicLink()) {
    const target = await readlink(place, { encoding: 'buffer' });
    return { path, type: 'symlink', executable: false, size: target.length, read: async () => target };
  }
  if (!facts.isFile()) throw unsafe(`${shown(path)}, which is neither file nor folder nor link`);
  if (size > limits.fileBytes) throw overLimit(`${shown(path)} of ${size} bytes, more than ${limits.fileBytes}`);
  return { path, type: 'file', executable: (mode & 0o100) !== 0, size, read: () => readPlain(place) };
}

const below = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, Buffer.from('/'), name]);

const emptyFolder = (path: Buffer): TreeEntry => ({
  path,
  type: 'directory',
  executable: true,
  size: 0,
  read: async () => Buffer.alloc(0),
});

/** Not through a link that came in its place meanwhile. */
async function readPlain(path: Buffer): Promise<Buffer> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

const missing = (folder: string, why: string): Error =>
  sourceError('SOURCE_REF_UNKNOWN', `the folder ${folder} cannot be read: ${why}`, {
    hint: 'Name an existing folder; paths are relative to the fleet file.',
  });

/**
 * A folder within, reached through folders alone: a link on the way could lead anywhere.
 * @throws SOURCE_REF_UNKNOWN
 */
export async function within(folder: string, path: string): Promise<string> {
  let at = folder;
  for (const part of path.split('/')) {
    if (part === '') continue;
    at = join(at, part);
    const facts = await lstat(at).catch(() => undefined);
    if (facts?.isDirectory() !== true) throw missing(path, 'the source has no such folder');
  }
  return at;
}
