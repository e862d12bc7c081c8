import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { giveBack } from './give-back.ts';
import type { FilledChunk, FromThread, GunzipOrder, ToThread } from './gunzip-thread.ts';
import { DECODER_BYTES, inflateMemory, WINDOW_BYTES } from './wasm-inflate.ts';

/** All memory one decoding takes, whatever the archive holds. */
const SLOT_BYTES = 512 * 1024;
const SLOTS = 3;
const CHUNK_BYTES = 256 * 1024;
const CHUNKS = 12;
/** From this many compressed bytes on, a thread of its own brings more than its start costs (some 30 ms). */
const THREAD_FROM_BYTES = 8 * 1024 * 1024;
/** So long a thread waits for another archive. */
const IDLE_MILLISECONDS = 2000;
/** One core stays for who reads what comes out; more than two threads only take memory. */
const MAX_THREADS = Math.min(2, availableParallelism() - 1);
/** Where in the decoder's memory input lies, and output, behind what of it matches still reach. */
const INPUT_AT = DECODER_BYTES;
const OUTPUT_AT = INPUT_AT + SLOTS * SLOT_BYTES + WINDOW_BYTES;

/** The sources run as they lie, as TypeScript or compiled. */
const THREAD = new URL(`./gunzip-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** A thread takes part in the process's compile cache only by this variable; without, it strips types each time. */
function threadEnvironment(): NodeJS.ProcessEnv {
  const cache = getCompileCacheDir();
  return cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(cache) };
}

let threads = 0;
let ready: GunzipThread | undefined;

/** True where archives of so many compressed bytes are decoded on a thread. */
export const isForThread = (size: number): boolean => size >= THREAD_FROM_BYTES && MAX_THREADS > 0;

/**
 * Starts the thread that the first large archive will want, so that it starts while its reader is still being loaded.
 * Nothing waits for it, and the process ends without it.
 */
export function prepareThread(): void {
  ready ??= new GunzipThread();
}

/**
 * Decodes gzip on a thread of its own: however long the main thread is busy, decoding goes on, as far ahead as the
 * chunks of a ring reach. Concatenated members are one stream. Each chunk is valid only until the next is asked for.
 *
 * @returns undefined where as many threads run as should: decode without then
 * @throws the decoder's errors, with its codes; those of `source`, unchanged
 */
export function gunzipOnThread(
  source: AsyncIterable<Uint8Array>,
  ownChunks: boolean,
): AsyncIterable<Uint8Array> | undefined {
  return threads >= MAX_THREADS ? undefined : decoded(source, ownChunks);
}

async function* decoded(
  source: AsyncIterable<Uint8Array>,
  ownChunks: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  threads += 1;
  const thread = ready?.works === true ? ready : new GunzipThread();
  ready = undefined;
  thread.start();
  const input = source[Symbol.asyncIterator]();
  const fed = feed(input, thread, ownChunks);
  // Whatever ends the source ends us, at once.
  fed.catch((error: unknown) => thread.fail(error));
  let whole = false;
  try {
    for (let chunk = await thread.next(); chunk !== undefined; chunk = await thread.next()) {
      yield chunk;
      thread.take();
    }
    // To the source's own end, even where the decoder ignores what comes last: only there its digest is known.
    await fed;
    whole = true;
  } finally {
    threads -= 1;
    if (whole && ready === undefined) keep(thread);
    else thread.stop();
    if (!whole) input.return?.().catch(() => undefined);
  }
}

/** Says that no archive follows soon: the memory of a thread that waits for one is wanted now. */
export function releaseThread(): void {
  ready?.stop();
  ready = undefined;
}

/** For the next archive, which then saves the start of a thread and its memory. */
function keep(thread: GunzipThread): void {
  thread.rest();
  ready = thread;
  setTimeout(() => {
    if (ready !== thread) return;
    ready = undefined;
    thread.stop();
  }, IDLE_MILLISECONDS).unref();
}

/** Copies the source into slots as they get free; small pieces are gathered. */
async function feed(input: AsyncIterator<Uint8Array>, thread: GunzipThread, ownChunks: boolean): Promise<void> {
  let slot: { readonly number: number; readonly bytes: Uint8Array } | undefined;
  let used = 0;
  const send = (): void => {
    if (slot !== undefined) thread.tell({ kind: 'input', slot: slot.number, length: used });
    slot = undefined;
    used = 0;
  };
  for (let next = await input.next(); next.done !== true; next = await input.next()) {
    for (let chunk = next.value; chunk.length > 0; ) {
      slot ??= await thread.freeSlot();
      if (slot === undefined) break;
      const size = Math.min(chunk.length, SLOT_BYTES - used);
      slot.bytes.set(chunk.subarray(0, size), used);
      used += size;
      chunk = chunk.subarray(size);
      if (used === SLOT_BYTES) send();
    }
    if (ownChunks) giveBack(next.value);
  }
  send();
  thread.tell({ kind: 'end' });
}

/** Checks what each member's trailer says of its content, as zlib would; here, because the thread has no time. */
class MemberSums {
  #crc = 0;
  #size = 0;

  /** @throws as zlib */
  check(chunk: Buffer, ends: FilledChunk['ends'] = []): void {
    let from = 0;
    for (const { at, crc, size } of ends) {
      this.#add(chunk.subarray(from, at));
      if (this.#crc !== crc) throw Object.assign(new Error('incorrect data check'), { code: 'Z_DATA_ERROR' });
      if (this.#size % 2 ** 32 !== size)
        throw Object.assign(new Error('incorrect length check'), { code: 'Z_DATA_ERROR' });
      this.#crc = 0;
      this.#size = 0;
      from = at;
    }
    this.#add(chunk.subarray(from));
  }

  #add(bytes: Buffer): void {
    this.#crc = crc32(bytes, this.#crc);
    this.#size += bytes.length;
  }
}

/** The host's side of one thread. */
class GunzipThread {
  readonly #order: GunzipOrder = {
    memory: inflateMemory(OUTPUT_AT + CHUNKS * CHUNK_BYTES),
    input: INPUT_AT,
    slotBytes: SLOT_BYTES,
    output: OUTPUT_AT,
    chunkBytes: CHUNK_BYTES,
    chunks: CHUNKS,
    taken: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
  };
  readonly #worker = new Worker(THREAD, { workerData: this.#order, env: threadEnvironment() });
  readonly #free = Array.from({ length: SLOTS }, (_, slot) => slot);
  /** Chunks that were filled and not asked for yet; 'done' behind the last. */
  readonly #filled: (FilledChunk | 'done')[] = [];
  readonly #sums = new MemberSums();
  #read = 0;
  #done = false;
  #failure: { readonly error: unknown } | undefined;
  #waiting: (() => void)[] = [];

  constructor() {
    this.#worker.on('message', (message: FromThread) => this.#heard(message));
    this.#worker.on('error', (error) => this.fail(error));
    this.#worker.on('exit', () => this.fail(new Error('the thread that decompresses ended early')));
    this.#worker.unref();
  }

  /** False for a thread that ended while nobody waited for it. */
  get works(): boolean {
    return this.#failure === undefined;
  }

  /** From now on the process stays for it. */
  start(): void {
    this.#worker.ref();
  }

  /** After a whole archive: ready for the next, and nothing that the process stays for. */
  rest(): void {
    this.#done = false;
    this.#worker.unref();
  }

  #heard(message: FromThread): void {
    if (message.kind === 'failed') {
      this.fail(Object.assign(new Error(message.message), { code: message.code }));
      return;
    }
    if (message.kind === 'free') this.#free.push(message.slot);
    else if (message.kind === 'chunk') this.#filled.push(message);
    else {
      this.#done = true;
      this.#filled.push('done');
    }
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  tell(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** Undefined when the thread takes no more input. */
  async freeSlot(): Promise<{ readonly number: number; readonly bytes: Uint8Array } | undefined> {
    while (this.#free.length === 0 && this.#failure === undefined && !this.#done) await this.#change();
    if (this.#failure !== undefined || this.#done) return undefined;
    const number = this.#free.shift() as number;
    return { number, bytes: new Uint8Array(this.#order.memory.buffer, INPUT_AT + number * SLOT_BYTES, SLOT_BYTES) };
  }

  /** Undefined after the last. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const filled = this.#filled.shift();
      if (filled === 'done') return undefined;
      if (filled !== undefined) {
        const chunk = Buffer.from(
          this.#order.memory.buffer,
          OUTPUT_AT + (this.#read % CHUNKS) * CHUNK_BYTES,
          filled.length,
        );
        this.#sums.check(chunk, filled.ends);
        return chunk;
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#change();
    }
  }

  /** Gives the chunk that `next` returned back to the thread. */
  take(): void {
    this.#read += 1;
    Atomics.store(this.#order.taken, 0, this.#read);
    Atomics.notify(this.#order.taken, 0);
  }

  /** Not waited for: the process does not stay for it. */
  stop(): void {
    this.#worker.unref();
    this.#worker.terminate().catch(() => undefined);
  }
}
