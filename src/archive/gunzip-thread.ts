/**
 * The thread's side of `threaded-gunzip.ts`: decodes what the host puts into shared slots into shared chunks. Imports
 * next to nothing, because every start of it is waited for. Checksums are left to the host, which has time for them.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { GzipFrame, type GzipTrailer } from './gzip-frame.ts';
import { type InflateMemory, WasmInflate } from './wasm-inflate.ts';

/** What the host gives the thread at its start. All memory there will ever be. */
export interface GunzipOrder {
  /** Decoder, input and output lie in it. */
  readonly memory: InflateMemory;
  /** Where a ring of slots for input begins, filled by the host. */
  readonly input: number;
  readonly slotBytes: number;
  /** Where a ring of chunks of output begins, which the thread fills in turn; the window before it is the decoder's. */
  readonly output: number;
  readonly chunkBytes: number;
  readonly chunks: number;
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

function decode(host: MessagePort, order: GunzipOrder): void {
  const { memory, input, slotBytes, output, chunkBytes, chunks, taken } = order;
  const tell = (message: FromThread): void => host.postMessage(message);
  const bytes = new Uint8Array(memory.buffer);
  const decoder = new WasmInflate(memory);
  let filled = 0;
  let used = 0;
  let ends: MemberEnd[] = [];
  let failed = false;
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
  const fail = (message: string, code: string): void => {
    // A member that ended before may be the broken one: its checksum is what zlib would have named first.
    if (ends.length > 0) handOver();
    failed = true;
    tell({ kind: 'failed', code, message });
    host.close();
  };
  const place = (): number => output + (filled % chunks) * chunkBytes;
  /** @returns where the deflate data end, or `end` where more of them must come */
  const inflate = (at: number, end: number): number => {
    for (let next = at; ; next = decoder.input) {
      const state = decoder.inflate(next, end, place() + chunkBytes);
      used = decoder.output - place();
      if (state === 'input') return end;
      if (state === 'full') {
        handOver();
        if (filled % chunks === 0) decoder.moveOutput(output);
      } else {
        frame.contentEnded();
        // Up to seven bytes of the trailer, which is eight long.
        for (const byte of decoder.spare()) frame.take([byte], 0, 1);
        return decoder.input;
      }
    }
  };
  const takeFrame = (at: number, end: number): number => {
    const next = frame.take(bytes, at, end);
    if (frame.want === 'content') decoder.start(place() + used);
    return next;
  };
  const run = (at: number, end: number): void => {
    for (let next = at; next < end && frame.want !== 'nothing'; ) {
      next = frame.want === 'content' ? inflate(next, end) : takeFrame(next, end);
    }
  };
  host.on('message', (message: ToThread) => {
    if (failed) return;
    if (message.kind === 'input') {
      const at = input + message.slot * slotBytes;
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
