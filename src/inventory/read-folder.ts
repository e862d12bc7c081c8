import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { messageOf } from '../base/index.ts';
import { ALL_READERS, type ContentSink, type FileFinding, LayerReading } from '../language/index.ts';
import type { IncompletePart } from './types.ts';

/** Files and folders of a root that are looked at: what a layer may have. */
const MAX_ENTRIES = 5_000_000;
const CHUNK_BYTES = 1024 * 1024;
/** File systems of the kernel below a root that is in use: no files of an image. */
const SKIPPED: ReadonlySet<string> = new Set(['proc', 'sys', 'dev']);

export interface FolderFindings {
  readonly findings: readonly FileFinding[];
  readonly incomplete: readonly IncompletePart[];
}

export const NOTHING_FOUND: FolderFindings = { findings: [], incomplete: [] };

/** What the readers make of every file below a root folder. Links are not followed. */
export async function readFolder(root: string, signal?: AbortSignal): Promise<FolderFindings> {
  const reading = new LayerReading(ALL_READERS);
  const incomplete: IncompletePart[] = [];
  const folders = [''];
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal?.throwIfAborted();
    const names = await readdir(`${root}/${folder}`, { withFileTypes: true }).catch((error: unknown) => {
      incomplete.push({ path: folder as string, reason: messageOf(error).replaceAll(root, '') });
      return [];
    });
    entries += names.length;
    if (entries > MAX_ENTRIES) {
      incomplete.push({ path: folder, reason: `over the ${MAX_ENTRIES} files that are looked at; the rest was not` });
      break;
    }
    for (const entry of names) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !SKIPPED.has(path)) folders.push(path);
      if (!entry.isFile()) continue;
      const failed = await readOne(root, path, reading).catch(messageOf);
      if (failed !== undefined) incomplete.push({ path, reason: failed.replaceAll(root, '') });
    }
  }
  return { findings: await reading.finish(), incomplete };
}

async function readOne(root: string, path: string, reading: LayerReading): Promise<undefined> {
  const info = await lstat(`${root}/${path}`);
  const sink = info.isFile() ? reading.entry(path, info.size, info.mode & 0o7777) : undefined;
  if (sink !== undefined) await pour(`${root}/${path}`, info.size, sink);
  return undefined;
}

/** Gives a sink exactly the bytes it was told of, or fails: a file may change while it is read. */
async function pour(file: string, size: number, sink: ContentSink): Promise<void> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(size, CHUNK_BYTES));
    for (let left = size; left > 0; ) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(left, buffer.length));
      if (bytesRead === 0) throw new Error('became shorter while it was read');
      sink.write(buffer.subarray(0, bytesRead));
      left -= bytesRead;
    }
    sink.end();
  } finally {
    await handle.close();
  }
}
