import { createHash } from 'node:crypto';
import { bounded, type Compression, type DecompressOptions, decoded } from './compression.ts';
import { gunzipOnThread, isForThread } from './threaded-gunzip.ts';

export interface HashedBytes {
  /** Each is valid only until the next is asked for. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** SHA-256 of all chunks, hexadecimal; when they have ended. */
  sha256(): string;
}

export interface DecompressHashedOptions extends Omit<DecompressOptions, 'transient'> {
  /** Compressed bytes that are expected; only speed depends on it. */
  readonly size?: number;
}

/**
 * Decompresses a stream, each chunk valid only until the next is asked for; a large gzip on a thread of its own, so
 * that decoding never waits for what the reader does with it. The same bytes, limits and errors either way.
 * @throws as `decompress`
 */
export function decompressPassing(
  source: AsyncIterable<Uint8Array>,
  kind: Compression,
  options: DecompressHashedOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const threaded = kind === 'gzip' && isForThread(options.size ?? 0);
  const decode = (counted: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
    (threaded ? gunzipOnThread(counted, options.ownChunks === true) : undefined) ??
    decoded(counted, kind, { transient: true, ownChunks: options.ownChunks === true });
  return bounded(source, kind, options, decode);
}

/**
 * `decompressPassing`, hashing what comes out.
 * @throws as `decompress`
 */
export function decompressHashed(
  source: AsyncIterable<Uint8Array>,
  kind: Compression,
  options: DecompressHashedOptions = {},
): HashedBytes {
  const hash = createHash('sha256');
  let sha256 = '';
  const chunks = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of decompressPassing(source, kind, options)) {
      hash.update(chunk);
      yield chunk;
    }
    sha256 = hash.digest('hex');
  };
  return { chunks: chunks(), sha256: () => sha256 };
}
