import { Worker } from 'node:worker_threads';
import type { BlobDone, BlobOrder } from './blob-thread.ts';

/** The sources run as they lie, as TypeScript or compiled. */
const THREAD = new URL(`./blob-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export type SmallBlob = Omit<BlobOrder, 'id'>;

/** Writes small blobs, whole, synced and visible when the promise resolves; undefined where the thread is gone. */
export type WriteSmallBlob = (blob: SmallBlob) => Promise<Exclude<BlobDone, { kind: 'failed' }> | undefined>;

interface Due {
  resolve(done: Awaited<ReturnType<WriteSmallBlob>>): void;
  reject(error: unknown): void;
}

/**
 * A small blob is a dozen calls of the file system, and each of them a way to a pool thread and back that takes longer
 * than the call. Here it is one way for all of them, and blobs that come together share it and the sync of their folder.
 */
export function threadedBlobs(thread = THREAD): WriteSmallBlob {
  const due = new Map<number, Due>();
  let next = 1;
  let worker: Worker | undefined;
  let gone = false;

  const settle = (done: BlobDone): void => {
    const one = due.get(done.id);
    due.delete(done.id);
    if (done.kind !== 'failed') one?.resolve(done);
    else one?.reject(Object.assign(new Error(done.error.message), done.error));
  };
  const start = (): Worker => {
    const made = new Worker(thread);
    made.unref();
    made.on('message', (all: readonly BlobDone[]) => {
      for (const done of all) settle(done);
      if (due.size === 0) made.unref();
    });
    const end = (): void => {
      gone = true;
      for (const one of due.values()) one.resolve(undefined);
      due.clear();
    };
    made.on('error', end);
    made.on('exit', end);
    return made;
  };
  return (blob) => {
    if (gone) return Promise.resolve(undefined);
    worker ??= start();
    const id = next++;
    // A copy: what is transferred goes whole, and a piece of a request shares its memory with others.
    const bytes = new Uint8Array(blob.bytes);
    const order: BlobOrder = { ...blob, id, bytes };
    const running = worker;
    return new Promise((resolve, reject) => {
      due.set(id, { resolve, reject });
      if (due.size === 1) running.ref();
      running.postMessage(order, [bytes.buffer]);
    });
  };
}
