import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createTarWriter, type TarHeader, type TarWriter } from '../archive/index.ts';
import { asCodedError, syncDirectory } from '../base/index.ts';

/** Writes members one after the other; the same members give the same bytes. */
export interface ArchiveFile {
  add(name: string, content: Uint8Array): Promise<void>;
  /** Exactly `size` bytes. @throws ARCHIVE_SIZE_MISMATCH */
  stream(name: string, size: number, content: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Writes a whole archive or nothing: aside, fsync, rename. @throws DISK_FULL and what `fill` throws */
export async function writeArchive(path: string, fill: (archive: ArchiveFile) => Promise<void>): Promise<void> {
  const aside = `${path}.${randomUUID()}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(aside, 'wx', 0o644);
    try {
      await fillFile(handle, fill);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(aside, { force: true });
    throw asCodedError(error);
  }
}

async function fillFile(handle: FileHandle, fill: (archive: ArchiveFile) => Promise<void>): Promise<void> {
  let pending: Uint8Array[] = [];
  const tar: TarWriter = createTarWriter((chunk) => void pending.push(chunk));
  const flush = async (): Promise<void> => {
    const chunks = pending;
    pending = [];
    for (const chunk of chunks) await handle.writeFile(chunk);
  };
  await fill({
    async add(name, content) {
      tar.add(fileHeader(name, content.length), content);
      await flush();
    },
    async stream(name, size, content) {
      tar.begin(fileHeader(name, size));
      for await (const chunk of content) {
        tar.write(chunk);
        await flush();
      }
      tar.end();
    },
  });
  tar.finish();
  await flush();
}

function fileHeader(path: string, size: number): TarHeader {
  return { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size, mtime: 0 };
}
