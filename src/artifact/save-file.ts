import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { decompress, extractTar } from '../archive/index.ts';
import { asCodedError, syncDirectory } from '../base/index.ts';
import type { Descriptor } from '../oci/index.ts';
import { artifactError } from './errors.ts';
import { titleParts } from './title.ts';

export interface SaveFileOptions {
  /** Refuse to replace a file that is there. */
  readonly keep?: boolean;
}

/**
 * Writes a verified stream as a file below `root`, whole or not at all, and never through a symlink.
 * @param size bytes there must be at most: a blob is no longer than its manifest says
 * @returns path written
 * @throws ARTIFACT_TITLE_INVALID, ARTIFACT_FILE_EXISTS, ARTIFACT_TOO_LARGE, OCI_DIGEST_MISMATCH, DISK_FULL
 */
export async function saveFile(
  root: string,
  title: string,
  content: Readable,
  size: number,
  { keep = false }: SaveFileOptions = {},
): Promise<string> {
  const parts = titleParts(title);
  const folder = await foldersBelow(root, parts.slice(0, -1));
  const path = join(folder, parts.at(-1) as string);
  const there = await lstat(path).catch(() => undefined);
  if (there?.isDirectory() === true) throw inTheWay(`${path} is a folder`);
  if (there !== undefined && keep) throw inTheWay(`${path} is there already`);
  const aside = join(folder, `.${randomUUID()}.partial`);
  try {
    const handle = await open(aside, 'wx', 0o644);
    try {
      let written = 0;
      for await (const chunk of content as AsyncIterable<Buffer>) {
        written += chunk.length;
        if (written > size)
          throw artifactError('ARTIFACT_TOO_LARGE', `${title} is longer than the ${size} bytes announced`, {
            hint: 'The artifact is broken or hostile: ask who pushed it.',
          });
        await handle.writeFile(chunk);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, path);
    await syncDirectory(folder);
    return path;
  } catch (error) {
    content.destroy();
    await rm(aside, { force: true });
    throw asCodedError(error);
  }
}

/**
 * Unpacks a folder's tar below `root`, after all of it came and verified; entries outside the folder that it is named
 * after are left out.
 */
export async function saveFolder(
  root: string,
  title: string,
  content: Readable,
  { size, mediaType }: Pick<Descriptor, 'size' | 'mediaType'>,
  { keep = false }: SaveFileOptions = {},
): Promise<string> {
  const name = titleParts(title).join('/');
  const path = join(root, name);
  if (keep && (await lstat(path).catch(() => undefined)) !== undefined) {
    throw inTheWay(`${path} is there already`);
  }
  const packed = await saveFile(root, `.${randomUUID()}.packed`, content, size);
  try {
    const bytes = createReadStream(packed);
    await extractTar(mediaType.endsWith('gzip') ? decompress(bytes, 'gzip') : bytes, root, {
      owner: false,
      filter: (entry) => entry.path === name || entry.path.startsWith(`${name}/`),
    });
  } finally {
    await rm(packed, { force: true });
  }
  return path;
}

const inTheWay = (why: string): Error =>
  artifactError('ARTIFACT_FILE_EXISTS', why, { hint: 'Move it away, or pull into another folder.' });

/** A symlink in the way would lead the file elsewhere: pulled into a shared folder, that is somebody else's choice. */
async function foldersBelow(root: string, parts: readonly string[]): Promise<string> {
  let folder = root;
  try {
    await mkdir(root, { recursive: true });
    for (const part of parts) {
      folder = join(folder, part);
      await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      if (!(await lstat(folder)).isDirectory()) {
        throw inTheWay(`${folder} is in the way: it is no folder`);
      }
    }
  } catch (error) {
    throw asCodedError(error);
  }
  return folder;
}
