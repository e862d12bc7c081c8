/**
 * The thread's side of `threaded-gunzip.ts`: decodes what the host puts into shared slots into shared chunks. Imports
 * next to nothing, because every start of it is waited for. Checksums are left to the host, which has time for them.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { constants } from 'node:zlib';
import { GzipFrame, type GzipTrailer } from './gzip-frame.ts';
import { openInflate } from './inflate-handle.ts';

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

/** Where in a chunk a member ends, and what its trailer says of all its content. */
export interface MemberEnd extends GzipTrailer {
  readonly at: number;
}

/** The next chunk of the ring is filled; without `ends` no member ends in it. */
export interface FilledChunk {
  readonly kind: 'chunk';
  readonly length: number;
  readonly ends?: readonly MemberEnd[];
}

/** Thread to host: a slot is free again; a chunk is filled; all was decoded; why it cannot be. */
export type FromThread =
  | { readonly kind: 'free'; readonly slot: number }
  | FilledChunk
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

if (parentPort !== null) decode(parentPort, workerData as GunzipOrder);

function decode(host: MessagePort, { input, slotBytes, output, chunkBytes, taken }: GunzipOrder): void {
  const tell = (message: FromThread): void => host.postMessage(message);
  const [from, to] = [Buffer.from(input), Buffer.from(output)];
  const chunks = output.byteLength / chunkBytes;
  const opened = openInflate();
  if (opened === undefined) throw new Error('this Node has no such decoder');
  const { handle, left } = opened;
  let filled = 0;
  let used = 0;
  let ends: MemberEnd[] = [];
  let failed = false;
  const fail = (message: string, code: string): void => {
    failed = true;
    tell({ kind: 'failed', code, message });
    host.close();
  };
  handle.onerror = (message, _errno, code) => fail(message, code);
  const start = (): GzipFrame => new GzipFrame((trailer) => ends.push({ at: used, ...trailer }));
  let frame = start();

  const handOver = (): void => {
    tell({ kind: 'chunk', length: used, ...(ends.length === 0 ? {} : { ends }) });
    filled += 1;
    used = 0;
    ends = [];
    for (let done = Atomics.load(taken, 0); filled - done >= chunks; done = Atomics.load(taken, 0)) {
      Atomics.wait(taken, 0, done);
    }
  };
  /** @returns where the deflate data end, or `end` where more of them must come */
  const inflate = (at: number, end: number): number => {
    for (let next = at; !failed; ) {
      const chunk = (filled % chunks) * chunkBytes;
      handle.writeSync(constants.Z_NO_FLUSH, from, next, end - next, to, chunk + used, chunkBytes - used);
      if (failed) break;
      const [roomLeft = 0, restLeft = 0] = left;
      used = chunkBytes - roomLeft;
      next = end - restLeft;
      if (roomLeft === 0) handOver();
      else {
        // Room was left, input too: the decoder wants no more of it.
        if (restLeft > 0) {
          handle.reset();
          frame.contentEnded();
        }
        return next;
      }
    }
    return end;
  };
  const run = (at: number, end: number): void => {
    for (let next = at; next < end && !failed && frame.want !== 'nothing'; ) {
      next = frame.want === 'content' ? inflate(next, end) : frame.take(from, next, end);
    }
  };
  host.on('message', (message: ToThread) => {
    if (failed) return;
    if (message.kind === 'input') {
      const at = message.slot * slotBytes;
      try {
        run(at, at + message.length);
      } catch (error) {
        const { code, message: why } = error as Error & { readonly code?: string };
        fail(why, code ?? 'ERR_UNEXPECTED');
        return;
      }
      tell({ kind: 'free', slot: message.slot });
      return;
    }
    if (frame.want === 'byte' || frame.want === 'content') {
      fail('unexpected end of file', 'Z_BUF_ERROR');
      return;
    }
    if (used > 0 || ends.length > 0) handOver();
    tell({ kind: 'done' });
    // The next archive, if one comes.
    frame = start();
  });
}
