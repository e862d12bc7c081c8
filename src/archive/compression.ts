import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress, gunzip, zstdDecompress } from 'node:zlib';
import { isHeraklitError, messageOf } from '../base/index.ts';
import { archiveError } from './errors.ts';
import { giveBack } from './give-back.ts';
import { BOMB_RATIO, BOMB_RATIO_FLOOR, DEFAULT_ARCHIVE_LIMITS, DEFAULT_BUFFER_LIMIT, overLimit } from './limits.ts';
import { asBuffer } from './tar-parser.ts';
import { claimedXzSize, pieces, unxz } from './xz.ts';
import { frameByFrame, hasManyFrames } from './zstd-frames.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

export interface DecompressLimits {
  /** Bytes that may come out. */
  readonly maxBytes?: number;
  /** Bytes out per byte in, once `ratioFloor` bytes came out. */
  readonly maxRatio?: number;
  readonly ratioFloor?: number;
}

export interface DecompressOptions extends DecompressLimits {
  /**
   * Each chunk is valid only until the next is asked for. Its memory is then given back at once instead of at the next
   * garbage collection, so that the decoder gets the same warm pages again: a third less memory, a tenth less time.
   */
  readonly transient?: boolean;
  /** The source's chunks are memory of their own that nobody else holds: given back in the same way once decoded. */
  readonly ownChunks?: boolean;
}

/** Of whole buffers, whose last piece is mostly empty. */
const BUFFER_CHUNK = 256 * 1024;
/** Of streams: after each piece the pool thread waits for the main thread, so pieces are large. */
const OUTPUT_CHUNK = 256 * 1024;
/**
 * Chunks that the decoder makes ahead, on its pool thread, while we look at the one before. Counted as objects: a byte
 * stream would stop at its small mark after each chunk, and glue together what lies ready.
 */
const CHUNKS_AHEAD = 3;

/** Looks at the first bytes (6 are enough). */
export function detectCompression(firstBytes: Uint8Array): Compression {
  const [a, b, c, d, e, f] = firstBytes;
  if (a === 0x1f && b === 0x8b) return 'gzip';
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'zstd';
  // A zstd file may begin with a skippable frame (RFC 8878, 3.1.2).
  if (a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) return 'zstd';
  if (a === 0xfd && b === 0x37 && c === 0x7a && d === 0x58 && e === 0x5a && f === 0) return 'xz';
  if (a === 0x42 && b === 0x5a && c === 0x68) return 'bzip2';
  return 'none';
}

function bzip2(): Error {
  return archiveError('ARCHIVE_UNSUPPORTED', 'the data is compressed with bzip2, which heraklit does not read', {
    hint: 'Debian stopped using bzip2 in 2014; compress it again with xz, gzip or zstd.',
  });
}

function corrupt(kind: Compression, error: unknown): unknown {
  if (isHeraklitError(error)) return error;
  const system = error as NodeJS.ErrnoException;
  const decoder = /^(?:Z_|ERR_ZLIB|ZSTD_|ERR_ZSTD)/.test(system.code ?? '');
  if (!decoder) return error;
  return archiveError('ARCHIVE_CORRUPT', `broken ${kind} data: ${messageOf(error)}`, { cause: error });
}

async function* viaZlib(
  source: AsyncIterable<Uint8Array>,
  kind: 'gzip' | 'zstd',
  { transient = false, ownChunks = false }: DecompressOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const options = { chunkSize: OUTPUT_CHUNK, readableObjectMode: true, readableHighWaterMark: CHUNKS_AHEAD };
  const decoder = kind === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  const poured = pour(kind === 'zstd' ? frameByFrame(source) : source, decoder, ownChunks);
  poured.catch((error: Error) => decoder.destroy(error));
  // Heard by the loop below while it runs; behind the last member nobody else would.
  decoder.on('error', () => undefined);
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      yield chunk;
      if (transient) giveBack(chunk);
    }
    await poured;
  } finally {
    decoder.destroy();
  }
}

/**
 * Gives the decoder its input, one piece ahead, and stops when it was destroyed. Where the decoder has ended and ignores
 * what lies behind the last member, the source is still read to its end: only there it checks itself.
 */
async function pour(source: AsyncIterable<Uint8Array>, decoder: Transform, ownChunks: boolean): Promise<void> {
  let ahead = 0;
  let over = false;
  let wake = (): void => undefined;
  for (const event of ['end', 'close']) {
    decoder.once(event, () => {
      over = true;
      wake();
    });
  }
  for await (const chunk of source) {
    if (decoder.destroyed && !decoder.readableEnded) return;
    if (over) continue;
    ahead += 1;
    decoder.write(chunk, () => {
      ahead -= 1;
      if (ownChunks) giveBack(chunk);
      wake();
    });
    while (ahead > 1 && !over) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  if (!over) decoder.end();
}

/**
 * Decompresses a stream. Concatenated gzip members, zstd frames and xz streams are one stream.
 * @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT (bombs), ARCHIVE_UNSUPPORTED (bzip2); errors of `source` pass unchanged
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  kind: Compression,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* bounded(source, kind, options, (counted) => decoded(counted, kind, options));
}

/** Runs a decoder between counts of what goes in and what comes out. @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT */
export async function* bounded(
  source: AsyncIterable<Uint8Array>,
  kind: Compression,
  limits: DecompressLimits,
  decode: (counted: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const maxBytes = limits.maxBytes ?? DEFAULT_ARCHIVE_LIMITS.bytes;
  const maxRatio = limits.maxRatio ?? BOMB_RATIO;
  const ratioFloor = limits.ratioFloor ?? BOMB_RATIO_FLOOR;
  let read = 0;
  let written = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      read += chunk.length;
      yield chunk;
    }
  };
  try {
    for await (const chunk of decode(counted())) {
      written += chunk.length;
      if (written > maxBytes) throw overLimit(`the ${kind} data, unpacked,`, maxBytes, 'bytes');
      if (kind !== 'none' && written > ratioFloor && written > read * maxRatio) {
        throw overLimit(`the expansion of the ${kind} data`, maxRatio, 'times');
      }
      yield chunk;
    }
  } catch (error) {
    throw corrupt(kind, error);
  }
}

export function decoded(
  source: AsyncIterable<Uint8Array>,
  kind: Compression,
  options: DecompressOptions,
): AsyncIterable<Uint8Array> {
  switch (kind) {
    case 'none':
      return source;
    case 'xz':
      return unxz(source);
    case 'bzip2':
      throw bzip2();
    default:
      return viaZlib(source, kind, options);
  }
}

/**
 * Decompresses bytes in memory, off the main thread, so that several run in parallel.
 * @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT, ARCHIVE_UNSUPPORTED
 */
export async function decompressBuffer(
  bytes: Uint8Array,
  kind: Compression,
  limits: { readonly maxBytes?: number } = {},
): Promise<Buffer> {
  const maxBytes = limits.maxBytes ?? DEFAULT_BUFFER_LIMIT;
  const input = asBuffer(bytes);
  switch (kind) {
    case 'none':
      if (input.length > maxBytes) throw overLimit('the data', maxBytes, 'bytes');
      return input;
    case 'bzip2':
      throw bzip2();
    case 'xz':
      return unpackBuffer(input, kind, maxBytes, claimedXzSize(input));
    case 'zstd':
      if (hasManyFrames(input)) return unpackBuffer(input, kind, maxBytes, undefined);
      return zlibBuffer(input, kind, maxBytes);
    default:
      return zlibBuffer(input, kind, maxBytes);
  }
}

function zlibBuffer(input: Buffer, kind: 'gzip' | 'zstd', maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, result: Buffer): void => {
      if (error === null) resolve(result);
      else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
        reject(overLimit(`the ${kind} data, unpacked,`, maxBytes, 'bytes'));
      } else reject(corrupt(kind, error));
    };
    const options = { maxOutputLength: maxBytes, chunkSize: BUFFER_CHUNK };
    if (kind === 'gzip') gunzip(input, options, done);
    else zstdDecompress(input, options, done);
  });
}

async function unpackBuffer(
  input: Buffer,
  kind: 'xz' | 'zstd',
  maxBytes: number,
  claimed: number | undefined,
): Promise<Buffer> {
  if (claimed !== undefined && claimed > maxBytes) throw overLimit(`the ${kind} data, unpacked,`, maxBytes, 'bytes');
  const parts: Uint8Array[] = [];
  const limits = { maxBytes, maxRatio: Number.POSITIVE_INFINITY };
  for await (const part of decompress(pieces(input), kind, limits)) parts.push(part);
  return Buffer.concat(parts);
}
