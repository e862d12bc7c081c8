import type { Transform } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { LayerCompression } from '../media-types.ts';

/** Fixed for ever: another level gives other bytes, so other digests for the same content. */
export const ZSTD_LEVEL = 3;
export const GZIP_LEVEL = 6;

const OUTPUT_CHUNK = 1024 * 1024;

function transform(compression: 'gzip' | 'zstd'): Transform {
  if (compression === 'gzip') return createGzip({ level: GZIP_LEVEL, chunkSize: OUTPUT_CHUNK });
  return createZstdCompress({
    chunkSize: OUTPUT_CHUNK,
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/**
 * Compresses chunk by chunk. Every write is waited for before the next and before the end: otherwise Node gives the
 * last chunk the end flag or not depending on timing, and zstd then writes another frame header: other bytes.
 */
export class Compressor {
  readonly #transform: Transform | undefined;
  #output: Buffer[] = [];
  #failure: Error | undefined;

  constructor(compression: LayerCompression) {
    if (compression === 'none') return;
    this.#transform = transform(compression);
    this.#transform.on('data', (chunk: Buffer) => this.#output.push(chunk));
    this.#transform.on('error', (error) => {
      this.#failure = error;
    });
  }

  #taken(): readonly Buffer[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** @returns what came out so far, possibly nothing */
  async write(chunk: Buffer): Promise<readonly Buffer[]> {
    const stream = this.#transform;
    if (stream === undefined) return [chunk];
    await new Promise<void>((resolve, reject) => {
      stream.write(chunk, (error) => (error == null ? resolve() : reject(error)));
    });
    if (this.#failure !== undefined) throw this.#failure;
    return this.#taken();
  }

  /** @returns the rest */
  async finish(): Promise<readonly Buffer[]> {
    const stream = this.#transform;
    if (stream === undefined) return [];
    await new Promise<void>((resolve, reject) => {
      stream.once('end', resolve);
      stream.once('error', reject);
      stream.end();
    });
    return this.#taken();
  }

  close(): void {
    this.#transform?.destroy();
  }
}
