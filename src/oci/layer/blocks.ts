/** Compression gets blocks of exactly this size, so that how content arrived never shows in the bytes. */
export const BLOCK_BYTES = 1024 * 1024;
/** Blocks kept for reuse. */
const MAX_FREE = 4;

/** Cuts a stream of chunks into blocks of one size; large chunks are passed as views, not copied. */
export class Blocks {
  #ready: Buffer[] = [];
  #current: Buffer | undefined;
  #used = 0;
  readonly #owned = new Set<Buffer>();
  readonly #free: Buffer[] = [];

  /** The chunk must stay unchanged until what it ended up in was taken and released. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#used === 0 && chunk.length - at >= BLOCK_BYTES) {
        this.#ready.push(Buffer.from(chunk.buffer, chunk.byteOffset + at, BLOCK_BYTES));
        at += BLOCK_BYTES;
        continue;
      }
      this.#current ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const size = Math.min(chunk.length - at, BLOCK_BYTES - this.#used);
      this.#current.set(chunk.subarray(at, at + size), this.#used);
      this.#used += size;
      at += size;
      if (this.#used === BLOCK_BYTES) this.#finish(this.#current);
    }
  }

  #finish(block: Buffer): void {
    this.#owned.add(block);
    this.#ready.push(block);
    this.#current = undefined;
    this.#used = 0;
  }

  /** The next whole block; with `all`, at last the incomplete one. */
  take(all: boolean): Buffer | undefined {
    const block = this.#ready.shift();
    if (block !== undefined || !all || this.#used === 0) return block;
    const rest = this.#current?.subarray(0, this.#used);
    this.#current = undefined;
    this.#used = 0;
    return rest;
  }

  /** Gives a block back that nobody reads any more. */
  release(block: Buffer): void {
    if (this.#owned.delete(block) && this.#free.length < MAX_FREE) this.#free.push(block);
  }
}
