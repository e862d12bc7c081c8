import { type KeptParts, LinkStream } from './link-stream.ts';

const KEPT: KeptParts = { head: 32 * 1024 * 1024, tail: 8 * 1024 * 1024 };

/**
 * `readNeeded` of a file too large to be kept: it passes once, in chunks, and only its head, its dynamic segment and its
 * tail are kept (40 MiB).
 */
export class NeededStream {
  readonly #stream: LinkStream;

  /** @param size of the whole file */
  constructor(size: number, kept: KeptParts = KEPT) {
    this.#stream = new LinkStream(size, kept);
  }

  write(chunk: Buffer): void {
    this.#stream.write(chunk);
  }

  /**
   * The libraries that the file asks for, none when it is no ELF file; undefined where the names lie in a part that was not kept.
   * @throws ELF_INVALID, ELF_LIMIT
   */
  end(): readonly string[] | undefined {
    const facts = this.#stream.end();
    if (facts === 'unknown') return undefined;
    return facts === 'none' ? [] : (facts.needed ?? []);
  }
}
