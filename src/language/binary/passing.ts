/** A run of bytes of a file that is kept while the file passes in chunks. */
export class KeptBytes {
  readonly start: number;
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #length = 0;

  /** @param limit bytes kept at most; later ones are let go */
  constructor(start: number, limit: number) {
    this.start = start;
    this.#limit = limit;
  }

  /** Takes what of a chunk belongs here, and nothing behind bytes that are missing. The bytes are copied. */
  take(chunk: Buffer, at: number): void {
    const from = this.start + this.#length;
    const to = Math.min(this.start + this.#limit, at + chunk.length);
    if (from < at || from >= to) return;
    this.#chunks.push(Buffer.from(chunk.subarray(from - at, to - at)));
    this.#length += to - from;
  }

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length >= this.#limit;
  }

  get bytes(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }
}

/** Places of one byte sequence that are told; a file full of it costs no more than that. */
const MAX_PLACES = 100_000;

/** Finds a byte sequence in a file that passes in chunks, also where it lies across two of them. */
export class NeedleSearch {
  readonly #needle: Buffer;
  readonly #found: (offset: number) => void;
  /** The last bytes seen: too few to hold the sequence. */
  #tail: Buffer = Buffer.alloc(0);
  #next = 0;
  #told = 0;

  /** @param found called with each offset in the file, ascending */
  constructor(needle: Buffer, found: (offset: number) => void) {
    this.#needle = needle;
    this.#found = found;
  }

  /** @param at offset of the chunk in the file; a jump forward begins anew */
  write(chunk: Buffer, at: number): void {
    if (this.#told >= MAX_PLACES) return;
    const overlap = this.#needle.length - 1;
    if (at !== this.#next) this.#tail = Buffer.alloc(0);
    this.#next = at + chunk.length;
    if (this.#tail.length > 0) {
      const joined = Buffer.concat([this.#tail, chunk.subarray(0, overlap)]);
      this.#each(joined, at - this.#tail.length);
    }
    this.#each(chunk, at);
    this.#tail =
      chunk.length >= overlap
        ? Buffer.from(chunk.subarray(chunk.length - overlap))
        : Buffer.from(Buffer.concat([this.#tail, chunk]).subarray(-overlap));
  }

  #each(bytes: Buffer, start: number): void {
    for (let at = bytes.indexOf(this.#needle); at >= 0; at = bytes.indexOf(this.#needle, at + 1)) {
      this.#found(start + at);
      this.#told += 1;
      if (this.#told >= MAX_PLACES) return;
    }
  }
}
