import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { rebuildError } from './errors.ts';
import { parseIgnoreFile } from './ignore-file.ts';

/** What a context may hold for its changes to be watched. */
const MAX_FILES = 100_000;
const MAX_BYTES = 8 * 1024 ** 3;

/**
 * Digest of what a build can take from its context: paths, kinds, modes, content. `.dockerignore` is honoured; times and
 * owners do not count. Links are not followed, whatever they point to.
 * @param without paths that are no part of it: the lock
 * @throws REBUILD_CONTEXT_INVALID
 */
export async function contextDigest(context: string, without: readonly string[] = []): Promise<string> {
  const ignored = parseIgnoreFile(await readFile(join(context, '.dockerignore'), 'utf8').catch(() => ''));
  const hash = createHash('sha256');
  const total = { files: 0, bytes: 0 };
  await addFolder(context, '', hash, total, (path) => without.includes(path) || ignored(path));
  return `sha256:${hash.digest('hex')}`;
}

async function addFolder(
  context: string,
  folder: string,
  hash: Hash,
  total: { files: number; bytes: number },
  skip: (path: string) => boolean,
): Promise<void> {
  const names = await readdir(join(context, folder)).catch((error: unknown) => {
    throw rebuildError('REBUILD_CONTEXT_INVALID', `the build context ${context} cannot be read at ${folder || '.'}`, {
      cause: error,
    });
  });
  for (const name of names.sort()) {
    const path = folder === '' ? name : `${folder}/${name}`;
    const file = join(context, path);
    const facts = await lstat(file);
    // A folder that is left out may hold what another pattern brings back.
    if (facts.isDirectory()) {
      if (!skip(path)) hash.update(`folder ${path}\0${facts.mode & 0o7777}\0`);
      await addFolder(context, path, hash, total, skip);
      continue;
    }
    if (skip(path)) continue;
    total.files += 1;
    total.bytes += facts.size;
    if (total.files > MAX_FILES || total.bytes > MAX_BYTES) {
      throw rebuildError(
        'REBUILD_CONTEXT_INVALID',
        `the build context ${context} has more than ${MAX_FILES} files or ${MAX_BYTES} bytes`,
        {
          hint: 'Leave out what no build needs with .dockerignore.',
        },
      );
    }
    if (facts.isSymbolicLink()) hash.update(`link ${path}\0${await readlink(file)}\0`);
    else if (facts.isFile()) {
      hash.update(`file ${path}\0${facts.mode & 0o7777}\0${facts.size}\0`);
      for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    }
  }
}
