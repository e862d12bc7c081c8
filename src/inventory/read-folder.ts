import { closeSync, constants, lstatSync, openSync, readSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
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
      const failed = failureOf(() => (entry.isFile() ? readOne(root, path, reading) : undefined));
      const reason = failed instanceof Promise ? await failed : failed;
      if (reason !== undefined) incomplete.push({ path, reason: reason.replaceAll(root, '') });
    }
  }
  return { findings: await reading.finish(), incomplete };
}

/** Why it failed; waits only for what takes long. */
function failureOf(act: () => Promise<void> | undefined): Promise<string | undefined> | string | undefined {
  try {
    return act()?.then(() => undefined, messageOf);
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * Small files are read without waiting: a promise for each of 100,000 would be most of the time that the walk takes.
 * @returns a promise for a large one
 */
function readOne(root: string, path: string, reading: LayerReading): Promise<void> | undefined {
  const file = `${root}/${path}`;
  const info = lstatSync(file);
  const sink = info.isFile() ? reading.entry(path, info.size, info.mode & 0o7777) : undefined;
  if (sink === undefined) return undefined;
  if (info.size > CHUNK_BYTES) return pour(file, info.size, sink);
  // Not following the last part closes the gap between looking and opening.
  const handle = openSync(file, FLAGS);
  try {
    const buffer = Buffer.allocUnsafe(info.size);
    if (info.size > 0 && readSync(handle, buffer, 0, info.size, 0) !== info.size) throw new Error(SHORTER);
    if (info.size > 0) sink.write(buffer);
    sink.end();
    return undefined;
  } finally {
    closeSync(handle);
  }
}

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const SHORTER = 'became shorter while it was read';

/** Gives a sink exactly the bytes it was told of, or fails: a file may change while it is read. */
async function pour(file: string, size: number, sink: ContentSink): Promise<void> {
  const handle = await open(file, FLAGS);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let left = size; left > 0; ) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(left, buffer.length));
      if (bytesRead === 0) throw new Error(SHORTER);
      sink.write(buffer.subarray(0, bytesRead));
      left -= bytesRead;
    }
    sink.end();
  } finally {
    await handle.close();
  }
}
