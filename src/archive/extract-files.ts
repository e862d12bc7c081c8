import { utimesSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  type ArchiveFile,
  type ExtractOrder,
  type ExtractReport,
  type Unpacked,
  unpackNext,
} from './extract-thread.ts';
import { native } from './root-folder.ts';

/** From this many bytes on, a second thread brings more than its start costs (some 30 ms). */
const THREAD_FROM_BYTES = 32 * 1024 * 1024;
const THREAD = new URL(`./extract-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export interface ExtractFilesResult {
  /** Paths that the archives name, in no order. */
  readonly paths: readonly string[];
  /** Positions of archives that could not be unpacked this way, in order: damaged, or not what they were said to be. */
  readonly failed: readonly number[];
}

/**
 * Unpacks archives into one folder, on two threads where there is much. Only folders may lie in several of them; a
 * folder gets the time of the last archive that has it.
 */
export async function extractFiles(
  files: readonly ArchiveFile[],
  root: string,
  signal?: AbortSignal,
): Promise<ExtractFilesResult> {
  const sequence = [...files.keys()].sort((a, b) => (files[b]?.uncompressed ?? 0) - (files[a]?.uncompressed ?? 0));
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const order: ExtractOrder = { files, root, sequence, taken };
  const bytes = files.reduce((sum, { uncompressed }) => sum + uncompressed, 0);
  const helper = bytes >= THREAD_FROM_BYTES && availableParallelism() > 1 ? helpWith(order) : undefined;
  const done: Unpacked[] = [];
  const failed: number[] = [];
  try {
    for (let next = unpackNext(order); next !== undefined; next = unpackNext(order)) {
      if (typeof next === 'number') failed.push(next);
      else done.push(next);
      await breathe();
      signal?.throwIfAborted();
    }
  } finally {
    // Nobody may write into the root any more when we are back, whatever happened.
    Atomics.store(taken, 0, files.length);
    const report = await helper;
    done.push(...(report?.done ?? []));
    failed.push(...(report?.failed ?? []));
  }
  setFolderTimes(done);
  return { paths: done.flatMap(({ paths }) => paths), failed: failed.sort((a, b) => a - b) };
}

function helpWith(order: ExtractOrder): Promise<ExtractReport> {
  const cache = getCompileCacheDir();
  const env = cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(cache) };
  const thread = new Worker(THREAD, { workerData: { unpack: order }, env });
  return new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('the thread ended without a word')));
  });
}

/** Whichever thread wrote into a folder last. */
function setFolderTimes(done: readonly Unpacked[]): void {
  const times = new Map<string, number>();
  for (const { folders } of done.toSorted((a, b) => a.index - b.index)) {
    for (const [path, mtime] of folders) times.set(path, mtime);
  }
  for (const [path, mtime] of times) utimesSync(native(path), mtime, mtime);
}
