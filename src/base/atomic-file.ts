import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asCodedError } from './errors.ts';

/** fsync of a folder, so that a rename in it survives a power cut; ignored where the platform has no such thing. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch {
    // EINVAL on file systems without directory sync: the rename is as durable as they make it.
  } finally {
    await handle.close();
  }
}

/**
 * Writes a whole file or nothing: aside, fsync, rename, fsync of the folder.
 * A reader never sees half of it, whatever moment the process is killed at.
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  await writeWhole(path, content, mode, true);
}

/**
 * The same without waiting for the disk, for what is made again when it is lost: a killed process leaves all or
 * nothing, but after a power cut the file may be cut short. Readers must notice that.
 */
export async function writeCacheFile(path: string, content: string | Uint8Array): Promise<void> {
  await writeWhole(path, content, 0o644, false);
}

async function writeWhole(path: string, content: string | Uint8Array, mode: number, durable: boolean): Promise<void> {
  const directory = dirname(path);
  const aside = join(directory, `.${randomUUID()}.partial`);
  try {
    await mkdir(directory, { recursive: true });
    const handle = await open(aside, 'wx', mode);
    try {
      await handle.writeFile(content);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, path);
    if (durable) await syncDirectory(directory);
  } catch (error) {
    await rm(aside, { force: true });
    throw asCodedError(error);
  }
}
