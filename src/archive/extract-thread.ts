import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { extractTarBuffer } from './extract.ts';
import { giveBackWhole } from './give-back.ts';

/** An archive that lies in a file. */
export interface ArchiveFile {
  readonly path: string;
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** Of the file, hexadecimal. */
  readonly sha256: string;
  /** Bytes of the archive without compression: more are refused. */
  readonly uncompressed: number;
}

/** What unpacking one archive did. */
export interface Unpacked {
  /** Position among the archives. */
  readonly index: number;
  readonly paths: readonly string[];
  /** Real path and time (seconds) of each folder. */
  readonly folders: readonly (readonly [path: string, mtime: number])[];
}

export interface ExtractOrder {
  readonly files: readonly ArchiveFile[];
  readonly root: string;
  /** Positions in the order in which they are taken. */
  readonly sequence: readonly number[];
  /** How many are taken. */
  readonly taken: Int32Array<SharedArrayBuffer>;
}

export interface ExtractReport {
  readonly done: readonly Unpacked[];
  readonly failed: readonly number[];
}

/** Unpacks the next archive that nobody has taken; undefined when none is left. */
export function unpackNext({ files, root, sequence, taken }: ExtractOrder): Unpacked | number | undefined {
  const index = sequence[Atomics.add(taken, 0, 1)];
  const file = index === undefined ? undefined : files[index];
  if (index === undefined || file === undefined) return undefined;
  try {
    return { index, ...unpack(file, root) };
  } catch {
    // Whoever gave the order unpacks it once more, and tells what is wrong with it.
    return index;
  }
}

function unpack(file: ArchiveFile, root: string): Omit<Unpacked, 'index'> {
  const bytes = readFileSync(file.path);
  if (createHash('sha256').update(bytes).digest('hex') !== file.sha256) throw new Error('not the file that was meant');
  const paths: string[] = [];
  const archive = plain(bytes, file);
  const { folders } = extractTarBuffer(archive, root, { filter: ({ path }) => paths.push(path) > 0 });
  // Nobody else holds them. Left to the collector, a hundred megabytes of them start it again and again.
  for (const buffer of [archive, bytes]) giveBackWhole(buffer);
  return { paths, folders: [...folders].map(([path, { mtime }]) => [path, mtime] as const) };
}

function plain(bytes: Buffer, { compression, uncompressed }: ArchiveFile): Buffer {
  const limit = { maxOutputLength: Math.max(1, uncompressed), chunkSize: uncompressed + 65_536 };
  switch (compression) {
    case 'none':
      return bytes;
    case 'gzip':
      return gunzipSync(bytes, limit);
    default:
      return zstdDecompressSync(bytes, limit);
  }
}

function run(order: ExtractOrder): ExtractReport {
  const done: Unpacked[] = [];
  const failed: number[] = [];
  for (let next = unpackNext(order); next !== undefined; next = unpackNext(order)) {
    if (typeof next === 'number') failed.push(next);
    else done.push(next);
  }
  return { done, failed };
}

/** In a thread of `extractFiles` only: whoever imports this module elsewhere gives no order. */
const given = workerData as { readonly unpack?: ExtractOrder } | null;
if (!isMainThread && given?.unpack !== undefined) parentPort?.postMessage(run(given.unpack));
