import type { ReadableStream } from 'node:stream/web';
import { messageOf } from '../base/index.ts';
import { archiveError } from './errors.ts';

const FOOTER_BYTES = 12;
const HEADER_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

/** Variable-length integer of the xz format (1.2); undefined where it is longer than 9 bytes or cut off. */
function multibyte(bytes: Buffer, at: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let i = 0; i < 9; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return Number.isSafeInteger(value) ? { value, next: at + i + 1 } : undefined;
  }
  return undefined;
}

/**
 * The uncompressed size that the index of a single-stream .xz file claims (xz-file-format 1.2, section 4).
 * A hint for allocating, never a bound to trust; undefined where the file is no plain single stream.
 */
export function claimedXzSize(bytes: Buffer): number | undefined {
  const footer = bytes.length - FOOTER_BYTES;
  if (footer < FOOTER_BYTES || !bytes.subarray(0, 6).equals(HEADER_MAGIC)) return undefined;
  if (bytes[bytes.length - 2] !== 0x59 || bytes[bytes.length - 1] !== 0x5a) return undefined;
  let at = footer - (bytes.readUInt32LE(footer + 4) + 1) * 4;
  if (at < FOOTER_BYTES || bytes[at] !== 0) return undefined;
  const count = multibyte(bytes, at + 1);
  if (count === undefined || count.value > bytes.length) return undefined;
  at = count.next;
  let total = 0;
  for (let record = 0; record < count.value; record += 1) {
    const unpadded = multibyte(bytes, at);
    const size = unpadded === undefined ? undefined : multibyte(bytes, unpadded.next);
    if (size === undefined || size.next > footer) return undefined;
    total += size.value;
    at = size.next;
  }
  return Number.isSafeInteger(total) ? total : undefined;
}

const FEED_BYTES = 256 * 1024;

/**
 * Decodes xz on a thread of its own, with back-pressure: at most a few 64 KiB chunks are decoded ahead of the
 * reader, so a bomb costs what is read of it. (The package's one-shot and incremental calls have no such bound.)
 * Several of these run in parallel on several cores.
 */
export async function* unxz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  // Loaded when needed: layers are gzip or zstd, and a scan's start-up counts.
  const { decompressStream } = await import('@napi-rs/lzma/xz');
  const iterator = source[Symbol.asyncIterator]();
  let failed: unknown;
  const input = new globalThis.ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await iterator.next();
          if (next.done === true) controller.close();
          else controller.enqueue(next.value);
        } catch (error) {
          failed = error;
          controller.error(error);
        }
      },
    },
    { highWaterMark: 1 },
  );
  const output = decompressStream(input as never) as unknown as ReadableStream<Uint8Array>;
  const reader = output.getReader();
  let done = false;
  try {
    for (;;) {
      const next = await reader.read();
      if (next.done) break;
      yield next.value;
    }
    done = true;
  } catch (error) {
    done = true;
    // An error of the source (a wrong digest, a broken connection) is the cause, not what the decoder made of it.
    throw failed ?? archiveError('ARCHIVE_CORRUPT', `broken xz data: ${messageOf(error)}`, { cause: error });
  } finally {
    if (!done) await reader.cancel().catch(() => undefined);
    await iterator.return?.();
  }
}

/** Views of a buffer in pieces the decoder takes quickly. */
export async function* pieces(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += FEED_BYTES) yield bytes.subarray(at, at + FEED_BYTES);
}
