import { overLimit } from './limits.ts';
import { asBuffer } from './tar-parser.ts';

/** Pulls exact amounts from a stream of chunks; synchronous while the current chunk has them. */
export class ByteCursor {
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #total = 0;
  readonly #limit: number;
  readonly #source: AsyncIterator<Uint8Array>;

  constructor(source: AsyncIterable<Uint8Array>, limit: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#limit = limit;
  }

  /** Bytes that came so far. */
  get total(): number {
    return this.#total;
  }

  async #fill(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#chunk = asBuffer(next.value);
      this.#at = 0;
      this.#total += this.#chunk.length;
      if (this.#total > this.#limit) throw overLimit('the unpacked archive', this.#limit, 'bytes');
    }
    return true;
  }

  /** `size` bytes if they lie in the current chunk, as a view of it. */
  tryTake(size: number): Buffer | undefined {
    if (this.#at + size > this.#chunk.length) return undefined;
    const taken = this.#chunk.subarray(this.#at, this.#at + size);
    this.#at += size;
    return taken;
  }

  /** Up to `size` bytes, at least one; undefined at the end. */
  async some(size: number): Promise<Buffer | undefined> {
    if (!(await this.#fill())) return undefined;
    return this.tryTake(Math.min(size, this.#chunk.length - this.#at));
  }

  /** Exactly `size` bytes, or fewer when the stream ends before. */
  async take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = size; left > 0; ) {
      const part = await this.some(left);
      if (part === undefined) break;
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** Drops `size` bytes. @returns false when the stream ends before */
  async skip(size: number): Promise<boolean> {
    for (let left = size; left > 0; ) {
      const part = await this.some(left);
      if (part === undefined) return false;
      left -= part.length;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
