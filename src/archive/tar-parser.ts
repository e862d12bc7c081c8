import { archiveError } from './errors.ts';
import { DEFAULT_CAPTURE_LIMIT, overLimit, withDefaults } from './limits.ts';
import { BLOCK } from './tar-block.ts';
import { padded, TarHeaders } from './tar-headers.ts';
import type { ArchiveLimits, TarHeader } from './types.ts';

/** Takes an entry's content as it passes; chunks are valid only during the call. */
export interface TarContentSink {
  write(chunk: Buffer): void;
  end(): void;
}

/** Decides per entry; called synchronously, so a whole layer costs no promise per entry. */
export interface TarHandler {
  entry(header: TarHeader): 'skip' | 'capture' | TarContentSink;
  /** The whole content of an entry answered with 'capture'; the bytes are the handler's own. */
  captured?(header: TarHeader, bytes: Buffer): void;
}

export interface TarReadOptions {
  /** Bytes one captured entry may have. */
  readonly captureLimit?: number;
  /**
   * Accept an archive that stops between two entries without end-of-archive blocks. Only where the bytes are
   * verified otherwise (a layer's digest): then truncation is known not to have happened.
   */
  readonly allowMissingEnd?: boolean;
}

type State = 'header' | 'metadata' | 'content' | 'padding' | 'ended';

/** Push parser: chunks of any size in, entries out, all synchronous. */
export class TarParser {
  #state: State = 'header';
  /** Bytes still to come of the current header block, metadata, content or padding. */
  #left = BLOCK;
  #after = 0;
  #zeros = 0;
  #total = 0;
  #parts: Buffer[] = [];
  #sink: TarContentSink | undefined;
  readonly #limits: ArchiveLimits;
  readonly #headers: TarHeaders;
  readonly #handler: TarHandler;
  readonly #options: TarReadOptions;

  constructor(handler: TarHandler, limits?: Partial<ArchiveLimits>, options: TarReadOptions = {}) {
    this.#limits = withDefaults(limits);
    this.#headers = new TarHeaders(this.#limits);
    this.#handler = handler;
    this.#options = options;
  }

  /** Bytes pushed so far. */
  get bytes(): number {
    return this.#total;
  }

  /** @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT, ARCHIVE_PATH_ESCAPE, ARCHIVE_UNSUPPORTED */
  push(bytes: Uint8Array): void {
    const chunk = asBuffer(bytes);
    this.#total += chunk.length;
    if (this.#total > this.#limits.bytes) throw overLimit('the unpacked archive', this.#limits.bytes, 'bytes');
    let at = 0;
    while (at < chunk.length && this.#state !== 'ended') {
      const end = Math.min(chunk.length, at + this.#left);
      this.#left -= end - at;
      if (this.#state === 'content') this.#sink?.write(chunk.subarray(at, end));
      else if (this.#state === 'header' && this.#left === 0 && end - at === BLOCK) {
        this.#header(chunk, at);
        at = end;
        continue;
      } else if (this.#state !== 'padding') this.#parts.push(Buffer.from(chunk.subarray(at, end)));
      at = end;
      if (this.#left === 0) this.#complete();
    }
  }

  /** Says that no more bytes come. @throws ARCHIVE_CORRUPT when the archive is not complete */
  end(): void {
    if (this.#state === 'ended') return;
    const between = this.#state === 'header' && this.#left === BLOCK && !this.#headers.dangling;
    if (between && (this.#zeros > 0 || this.#options.allowMissingEnd === true)) return;
    throw truncated(this.#total);
  }

  #header(buffer: Buffer, at: number): void {
    const step = this.#headers.block(buffer, at);
    this.#next('header', BLOCK);
    if (step.kind === 'zero') {
      if (this.#headers.dangling) throw truncated(this.#total);
      this.#zeros += 1;
      if (this.#zeros === 2) this.#state = 'ended';
      return;
    }
    if (this.#zeros > 0) throw archiveError('ARCHIVE_CORRUPT', 'an entry follows a lone zero block');
    if (step.kind === 'entry') this.#entry(step.header);
    else if (step.kind === 'skip') this.#body('padding', padded(step.size), 0);
    else this.#body('metadata', step.size, padded(step.size) - step.size);
  }

  #entry(header: TarHeader): void {
    const answer = this.#handler.entry(header);
    if (answer === 'skip') {
      this.#body('padding', padded(header.size), 0);
      return;
    }
    this.#sink = answer === 'capture' ? this.#capture(header) : answer;
    this.#body('content', header.size, padded(header.size) - header.size);
  }

  #capture(header: TarHeader): TarContentSink {
    const limit = this.#options.captureLimit ?? DEFAULT_CAPTURE_LIMIT;
    if (header.size > limit) throw overLimit(`${header.path}: ${header.size} bytes to keep in memory`, limit, 'bytes');
    const parts: Buffer[] = [];
    return {
      // Copied, because the chunk belongs to the stream; collected, because `size` is only a claim until it came.
      write: (chunk) => void parts.push(Buffer.from(chunk)),
      end: () => this.#handler.captured?.(header, parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)),
    };
  }

  #body(state: 'content' | 'metadata' | 'padding', size: number, after: number): void {
    this.#next(state, size);
    this.#after = after;
    if (size === 0) this.#complete();
  }

  #next(state: State, left: number): void {
    this.#state = state;
    this.#left = left;
  }

  #complete(): void {
    const state = this.#state;
    if (state === 'header') {
      this.#header(this.#joined(), 0);
      return;
    }
    if (state === 'content') {
      this.#sink?.end();
      this.#sink = undefined;
    } else if (state === 'metadata') this.#headers.metadata(this.#joined());
    if (this.#after > 0) this.#next('padding', this.#after);
    else this.#next('header', BLOCK);
    this.#after = 0;
  }

  #joined(): Buffer {
    const joined = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    return joined;
  }
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function truncated(total: number): Error {
  return archiveError('ARCHIVE_CORRUPT', `the tar archive is truncated after ${total} bytes`, {
    hint: 'Fetch it again; nothing of it was used.',
  });
}

/**
 * Runs a whole archive through a handler; the fast path for indexing layers.
 * @returns bytes of the archive, trailing padding included
 * @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT, ARCHIVE_PATH_ESCAPE, ARCHIVE_UNSUPPORTED
 */
export async function scanTar(
  source: AsyncIterable<Uint8Array>,
  handler: TarHandler,
  limits?: Partial<ArchiveLimits>,
  options?: TarReadOptions,
): Promise<{ readonly bytes: number }> {
  const parser = new TarParser(handler, limits, options);
  for await (const chunk of source) parser.push(chunk);
  parser.end();
  return { bytes: parser.bytes };
}
