/**
 * The thread's side of `threaded-gunzip.ts`: decodes what the host puts into shared slots into shared chunks. Imports
 * nothing but Node, because every start of it is waited for.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { constants, createGunzip } from 'node:zlib';

/** What the host gives the thread at its start. All memory there will ever be. */
export interface GunzipOrder {
  /** A ring of slots for input, filled by the host. */
  readonly input: SharedArrayBuffer;
  readonly slotBytes: number;
  /** A ring of chunks of output; the thread fills them in turn. */
  readonly output: SharedArrayBuffer;
  readonly chunkBytes: number;
  /** Chunks the host is done with, ever; the thread sleeps on it while the ring is full. */
  readonly taken: Int32Array<SharedArrayBuffer>;
}

/** Host to thread: a slot was filled; the archive ends, and another may follow. */
export type ToThread =
  | { readonly kind: 'input'; readonly slot: number; readonly length: number }
  | { readonly kind: 'end' };

/** Thread to host: a slot is free again; the next chunk of the ring is filled; all was decoded; why it cannot be. */
export type FromThread =
  | { readonly kind: 'free'; readonly slot: number }
  | { readonly kind: 'chunk'; readonly length: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/**
 * What Node's own synchronous functions call: decodes from a place of one buffer to a place of another, both the
 * caller's. Its public functions allocate every piece of output, which costs as much as a quarter of the decoding.
 */
export interface GunzipHandle {
  writeSync(
    flush: number,
    input: Buffer,
    inputAt: number,
    inputLength: number,
    output: Buffer,
    outputAt: number,
    outputLength: number,
  ): void;
  onerror: (message: string, errno: number, code: string) => void;
}

/** The decoder's insides, where this Node has them as we know them. */
export function openHandle(): { readonly handle: GunzipHandle; readonly left: Uint32Array } | undefined {
  const { _handle: handle, _writeState: left } = createGunzip({ chunkSize: constants.Z_MIN_CHUNK }) as unknown as {
    readonly _handle?: Partial<GunzipHandle>;
    readonly _writeState?: unknown;
  };
  if (typeof handle?.writeSync !== 'function' || !(left instanceof Uint32Array) || left.length !== 2) return undefined;
  return { handle: handle as GunzipHandle, left };
}

if (parentPort !== null) decode(parentPort, workerData as GunzipOrder);

function decode(host: MessagePort, { input, slotBytes, output, chunkBytes, taken }: GunzipOrder): void {
  const tell = (message: FromThread): void => host.postMessage(message);
  const [from, to] = [Buffer.from(input), Buffer.from(output)];
  const chunks = output.byteLength / chunkBytes;
  let filled = 0;
  let used = 0;
  let ended = false;
  const fresh = (): { readonly handle: GunzipHandle; readonly left: Uint32Array } => {
    const opened = openHandle();
    if (opened === undefined) throw new Error('this Node has no such decoder');
    opened.handle.onerror = (message, _errno, code) => {
      ended = true;
      tell({ kind: 'failed', code, message });
      host.close();
    };
    return opened;
  };
  let { handle, left } = fresh();

  const handOver = (): void => {
    tell({ kind: 'chunk', length: used });
    filled += 1;
    used = 0;
    for (let done = Atomics.load(taken, 0); filled - done >= chunks; done = Atomics.load(taken, 0)) {
      Atomics.wait(taken, 0, done);
    }
  };
  const run = (flush: number, start: number, length: number): void => {
    for (let [at, rest] = [start, length]; !ended; ) {
      const chunk = (filled % chunks) * chunkBytes;
      handle.writeSync(flush, from, at, rest, to, chunk + used, chunkBytes - used);
      if (ended) return;
      const [roomLeft = 0, restLeft = 0] = left;
      used = chunkBytes - roomLeft;
      at += rest - restLeft;
      rest = restLeft;
      if (roomLeft === 0) handOver();
      else {
        // Room was left, input too: behind the last member lies something else, which gunzip ignores everywhere.
        ended = rest > 0;
        return;
      }
    }
  };
  host.on('message', (message: ToThread) => {
    if (message.kind === 'input') {
      run(constants.Z_NO_FLUSH, message.slot * slotBytes, message.length);
      tell({ kind: 'free', slot: message.slot });
      return;
    }
    // Tells a truncated archive from a whole one.
    const whole = !ended;
    if (whole) run(constants.Z_FINISH, 0, 0);
    if (ended && whole) return;
    if (used > 0) handOver();
    tell({ kind: 'done' });
    // The next archive, if one comes.
    ({ handle, left } = fresh());
    ended = false;
  });
}
