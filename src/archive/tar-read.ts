import { Readable } from 'node:stream';
import { ByteCursor } from './byte-cursor.ts';
import { archiveError } from './errors.ts';
import { overLimit, withDefaults } from './limits.ts';
import { BLOCK } from './tar-block.ts';
import { padded, TarHeaders } from './tar-headers.ts';
import { type TarReadOptions, truncated } from './tar-parser.ts';
import type { ArchiveLimits, TarEntry, TarHeader } from './types.ts';

/** Content of the entry the reader stands at; what nobody read is skipped. */
class Content {
  left: number;
  readonly #cursor: ByteCursor;
  readonly #name: string;

  constructor(cursor: ByteCursor, header: TarHeader) {
    this.#cursor = cursor;
    this.#name = header.path;
    this.left = header.size;
  }

  /** Makes every later read fail: the stream has moved on. */
  async finish(size: number): Promise<void> {
    const rest = this.left + padded(size) - size;
    this.left = Number.NaN;
    if (this.#cursor.tryTake(rest) === undefined && !(await this.#cursor.skip(rest)))
      throw truncated(this.#cursor.total);
  }

  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    if (Number.isNaN(this.left)) throw new Error(`${this.#name}: content is read after the next entry was asked for`);
    while (this.left > 0) {
      const chunk = await this.#cursor.some(this.left);
      if (chunk === undefined) throw truncated(this.#cursor.total);
      this.left -= chunk.length;
      yield chunk;
    }
  }

  async read(limit: number): Promise<Buffer> {
    if (this.left > limit) throw overLimit(`${this.#name}: ${this.left} bytes`, limit, 'bytes');
    const whole = this.left > 0 ? this.#cursor.tryTake(this.left) : undefined;
    if (whole !== undefined) {
      this.left = 0;
      return Buffer.from(whole);
    }
    return Buffer.concat(await Array.fromAsync(this.chunks()));
  }
}

async function nextBlock(cursor: ByteCursor): Promise<Buffer | undefined> {
  const block = cursor.tryTake(BLOCK) ?? (await cursor.take(BLOCK));
  if (block.length === 0) return undefined;
  if (block.length < BLOCK) throw truncated(cursor.total);
  return block;
}

async function body(cursor: ByteCursor, size: number): Promise<Buffer> {
  const whole = padded(size);
  const bytes = cursor.tryTake(whole) ?? (await cursor.take(whole));
  if (bytes.length < whole) throw truncated(cursor.total);
  return bytes.subarray(0, size);
}

/**
 * Reads an archive entry by entry. Content that is not read is skipped; `source` is read to its end.
 * For whole layers `scanTar` is faster: it needs no promise per entry.
 * @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT, ARCHIVE_PATH_ESCAPE, ARCHIVE_UNSUPPORTED
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  limits?: Partial<ArchiveLimits>,
  options: TarReadOptions = {},
): AsyncGenerator<TarEntry, void, undefined> {
  const checked = withDefaults(limits);
  const cursor = new ByteCursor(source, checked.bytes);
  const headers = new TarHeaders(checked);
  let zeros = 0;
  try {
    while (zeros < 2) {
      const block = await nextBlock(cursor);
      if (block === undefined) break;
      const step = headers.block(block, 0);
      if (step.kind === 'zero') zeros += 1;
      else if (zeros > 0) throw archiveError('ARCHIVE_CORRUPT', 'an entry follows a lone zero block');
      else if (step.kind === 'metadata') headers.metadata(await body(cursor, step.size));
      else if (step.kind === 'skip') await cursor.skip(padded(step.size));
      else {
        const content = new Content(cursor, step.header);
        yield Object.assign(step.header, {
          read: (limit: number) => content.read(limit),
          stream: () => Readable.from(content.chunks(), { objectMode: false }),
        });
        await content.finish(step.header.size);
      }
    }
    if (headers.dangling || (zeros === 0 && options.allowMissingEnd !== true)) throw truncated(cursor.total);
    // Trailing padding belongs to the source: whoever hashes it must see all of it.
    while ((await cursor.some(Number.MAX_SAFE_INTEGER)) !== undefined);
  } finally {
    await cursor.close();
  }
}
