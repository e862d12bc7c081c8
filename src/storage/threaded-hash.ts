import { createHash, type Hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Done, Order } from './hash-thread.ts';

/** Bytes hashed where they arrive; a file with more is hashed by a thread, from its start: most never get there. */
const INLINE = 8 * 1024 * 1024;
const MOST_THREADS = 4;
/** The sources run as they lie, as TypeScript or compiled. */
const THREAD = new URL(`./hash-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Hash of a file that grows from its first byte. */
export interface FileHash {
  /** Bytes that will be written next. */
  update(chunk: Uint8Array): void;
  /** Bytes up to `end` are in the file. */
  written(fd: number, end: number): void;
  /** Resolves when no thread reads the file any more: it may be closed. */
  settled(): Promise<void>;
  /** Of all bytes, which must be written; undefined where the thread failed and somebody must read them again. */
  digest(): Promise<string | undefined>;
  /** Forgets it, wherever it is kept. */
  drop(): void;
}

/**
 * Hashing takes longer than anything else that an upload does, and does not need the event loop: behind INLINE bytes a
 * thread reads what was written, which is in memory still, so that network, disk and hash go on side by side.
 */
export function createFileHash(algorithm: 'sha256' | 'sha512'): FileHash {
  let inline: Hash | undefined = createHash(algorithm);
  let bytes = 0;
  let thread: Thread | undefined;
  const id = nextId++;
  return {
    update(chunk) {
      bytes += chunk.length;
      inline?.update(chunk);
      if (bytes < INLINE || inline === undefined) return;
      inline = undefined;
      thread = leastBusy();
      thread.send({ kind: 'begin', id, algorithm });
    },
    written(fd, end) {
      thread?.send({ kind: 'advance', id, fd, end });
    },
    settled: async () => thread?.settled(id),
    digest: async () => (inline === undefined ? (await thread?.ask({ kind: 'digest', id }))?.hex : hex(inline)),
    drop() {
      thread?.send({ kind: 'drop', id });
    },
  };
}

const hex = (hash: Hash): string => hash.copy().digest('hex');

let nextId = 1;
const threads: Thread[] = [];

function leastBusy(): Thread {
  const idle = threads.find(({ waiting }) => waiting === 0);
  if (idle !== undefined) return idle;
  if (threads.length < Math.max(1, Math.min(MOST_THREADS, availableParallelism() - 1))) {
    const made = new Thread();
    threads.push(made);
    return made;
  }
  return threads.reduce((best, one) => (one.waiting < best.waiting ? one : best));
}

class Thread {
  readonly #worker = new Worker(THREAD);
  /** Answers that are due, in the order of their orders, by file. */
  readonly #due = new Map<number, ((done: Done) => void)[]>();
  waiting = 0;
  #gone = false;

  constructor() {
    this.#worker.unref();
    this.#worker.on('message', (done: Done) => this.#answer(done));
    // A thread that is gone fails what waits for it; whoever wanted a hash reads the file.
    const gone = (): void => {
      this.#gone = true;
      const at = threads.indexOf(this);
      if (at >= 0) threads.splice(at, 1);
      for (const id of [...this.#due.keys()]) while (this.#due.has(id)) this.#answer({ id, failed: true });
    };
    this.#worker.on('error', gone);
    this.#worker.on('exit', gone);
  }

  send(order: Order): void {
    if (order.kind === 'advance') void this.ask(order);
    else if (!this.#gone) this.#worker.postMessage(order);
  }

  ask(order: Order): Promise<Done> {
    if (this.#gone) return Promise.resolve({ id: order.id, failed: true });
    return new Promise((resolve) => {
      const due = this.#due.get(order.id) ?? [];
      this.#due.set(order.id, due);
      due.push(resolve);
      this.waiting += 1;
      if (this.waiting === 1) this.#worker.ref();
      this.#worker.postMessage(order);
    });
  }

  /** Resolves when all that was ordered for a file is answered. */
  settled(id: number): Promise<void> {
    const due = this.#due.get(id);
    if (due === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const last = due.at(-1);
      due[due.length - 1] = (done) => {
        last?.(done);
        resolve();
      };
    });
  }

  #answer(done: Done): void {
    const due = this.#due.get(done.id) ?? [];
    const first = due.shift();
    if (due.length === 0) this.#due.delete(done.id);
    this.waiting -= 1;
    if (this.waiting === 0) this.#worker.unref();
    first?.(done);
  }
}
