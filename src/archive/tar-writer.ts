import { archiveError } from './errors.ts';
import { BLOCK } from './tar-block.ts';
import { encodeHeader } from './tar-encode.ts';
import type { TarHeader } from './types.ts';

export interface TarWriter {
  /** One whole entry; `content` as long as `header.size` says. @throws ARCHIVE_SIZE_MISMATCH, ARCHIVE_UNSUPPORTED */
  add(header: TarHeader, content?: Uint8Array): void;
  /** Starts an entry whose content follows by `write` and `end`. */
  begin(header: TarHeader): void;
  /** The chunk may be handed on as it is: do not change it afterwards. */
  write(chunk: Uint8Array): void;
  /** @throws ARCHIVE_SIZE_MISMATCH when more or fewer bytes came than announced */
  end(): void;
  /** Writes the end-of-archive blocks and flushes. */
  finish(): void;
}

/** Small writes are gathered to this many bytes: hashing and compressing tiny chunks costs more than the work. */
const STAGE_BYTES = 128 * 1024;
const PASS_THROUGH_BYTES = 32 * 1024;

class StagedTarWriter implements TarWriter {
  #stage = Buffer.allocUnsafe(STAGE_BYTES);
  #used = 0;
  #left = 0;
  #current: TarHeader | undefined;
  readonly #sink: (chunk: Uint8Array) => void;

  constructor(sink: (chunk: Uint8Array) => void) {
    this.#sink = sink;
  }

  add(header: TarHeader, content?: Uint8Array): void {
    this.begin(header);
    if (content !== undefined) this.write(content);
    this.end();
  }

  begin(header: TarHeader): void {
    if (this.#current !== undefined) throw mismatch(this.#current, this.#left);
    this.#put(encodeHeader(header));
    this.#current = header;
    this.#left = header.type === 'file' ? header.size : 0;
  }

  write(chunk: Uint8Array): void {
    if (this.#current === undefined) throw new Error('tar content without an entry');
    if (chunk.length > this.#left) throw mismatch(this.#current, this.#left - chunk.length);
    this.#left -= chunk.length;
    this.#put(chunk);
  }

  end(): void {
    if (this.#current === undefined) throw new Error('end of a tar entry without an entry');
    if (this.#left !== 0) throw mismatch(this.#current, this.#left);
    const size = this.#current.type === 'file' ? this.#current.size : 0;
    this.#current = undefined;
    const rest = size % BLOCK;
    if (rest > 0) this.#zeros(BLOCK - rest);
  }

  finish(): void {
    if (this.#current !== undefined) throw mismatch(this.#current, this.#left);
    this.#zeros(2 * BLOCK);
    this.#flush();
  }

  #zeros(count: number): void {
    if (this.#used + count > STAGE_BYTES) this.#flush();
    this.#stage.fill(0, this.#used, this.#used + count);
    this.#used += count;
  }

  #put(chunk: Uint8Array): void {
    if (this.#used + chunk.length > STAGE_BYTES) this.#flush();
    if (chunk.length >= PASS_THROUGH_BYTES) {
      this.#flush();
      this.#sink(chunk);
      return;
    }
    this.#stage.set(chunk, this.#used);
    this.#used += chunk.length;
  }

  #flush(): void {
    if (this.#used === 0) return;
    // The sink may keep what it gets, so the stage is never written to again.
    this.#sink(this.#stage.subarray(0, this.#used));
    this.#stage = Buffer.allocUnsafe(STAGE_BYTES);
    this.#used = 0;
  }
}

function mismatch(header: TarHeader, left: number): Error {
  const amount = left < 0 ? `${-left} bytes too many` : `${left} bytes missing`;
  return archiveError('ARCHIVE_SIZE_MISMATCH', `${header.path}: ${amount} of ${header.size}`, {
    hint: 'The file changed while it was read, or its size was computed wrongly.',
  });
}

/** Writes a deterministic tar archive (ustar, pax only where needed) to `sink`, synchronously. */
export function createTarWriter(sink: (chunk: Uint8Array) => void): TarWriter {
  return new StagedTarWriter(sink);
}
