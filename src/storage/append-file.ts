import type { FileHandle } from 'node:fs/promises';
import type { FileHash } from './threaded-hash.ts';

/** Bytes gathered before they go to disk in one call. */
const BATCH = 1024 * 1024;
/** A slow client's bytes go to disk after this many ms even so: its upload's state tells how far it is. */
const PATIENCE = 100;
/** Bytes written between two requests to the kernel to begin writing them out, so that the last sync finds little left. */
const FLUSH_EVERY = 16 * 1024 * 1024;

export interface AppendOptions {
  /** Offset of the first byte. */
  readonly position: number;
  /** Sees every byte that was written, in order. */
  readonly hash?: FileHash | undefined;
  /** Called with the size the file would have; throws where that is too much. */
  readonly admit?: (size: number) => void;
}

/**
 * Copies a stream into a file at an offset. One batch is written while the next one is gathered and hashed, so disk,
 * processor and network work at once, and memory holds two batches whatever the size.
 *
 * @returns the end of what was written. When the content fails midway, all that came before it is in the file.
 */
export async function appendToFile(
  handle: FileHandle,
  content: AsyncIterable<Uint8Array>,
  options: AppendOptions,
): Promise<number> {
  const { hash, admit } = options;
  let end = options.position;
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  let writing: Promise<void> = Promise.resolve();
  let unflushed = 0;
  let flushing: Promise<void> | undefined;

  const flush = (): void => {
    if (unflushed < FLUSH_EVERY || flushing !== undefined) return;
    unflushed = 0;
    // Its failure shows again at the sync that makes the file a blob.
    flushing = handle
      .datasync()
      .catch(() => undefined)
      .finally(() => {
        flushing = undefined;
      });
  };
  /** Resolves when the batch before is written: there is room for one more. */
  const writeOut = (): Promise<void> => {
    const before = writing;
    if (bytes === 0) return before;
    const [batch, at] = [gathered, end - bytes];
    unflushed += bytes;
    gathered = [];
    bytes = 0;
    const upTo = end;
    writing = before
      .then(() => writeAll(handle, batch, at))
      .then(() => {
        hash?.written(handle.fd, upTo);
        flush();
      });
    // Seen by whoever awaits it next; nobody may until then.
    writing.catch(() => undefined);
    return before;
  };
  const patience = setInterval(() => void writeOut(), PATIENCE);
  try {
    for await (const chunk of content) {
      admit?.(end + chunk.length);
      hash?.update(chunk);
      gathered.push(chunk);
      bytes += chunk.length;
      end += chunk.length;
      if (bytes >= BATCH) await writeOut();
    }
  } finally {
    clearInterval(patience);
    writeOut();
    try {
      await writing;
    } finally {
      await flushing;
      await hash?.settled();
    }
  }
  return end;
}

async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> {
  const total = chunks.reduce((sum, { length }) => sum + length, 0);
  const { bytesWritten } = await handle.writev(chunks as NodeJS.ArrayBufferView[], position);
  if (bytesWritten === total) return;
  // A short write, as before a full disk: the rest says why, or goes through.
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  for (let done = 0; done < rest.length; ) {
    done += (await handle.write(rest, done, rest.length - done, position + bytesWritten + done)).bytesWritten;
  }
}
