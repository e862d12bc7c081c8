import { createHash } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { createZstdCompress, type ZstdCompress } from 'node:zlib';

/** Bytes that the compressor hands on at once: small ones, thousands of them, cost the collector more than the compressing. */
const COMPRESSED_CHUNK = 1024 * 1024;
const READ_SIZE = 1024 * 1024;

export const layerCompressor = (): ZstdCompress => createZstdCompress({ chunkSize: COMPRESSED_CHUNK });

/**
 * A plain layer from a file into another, compressed, through one buffer: streams take a new one for each piece, and the
 * collector then runs for every few megabytes of a process that does nothing else.
 *
 * @param watch sees the plain bytes; what it throws ends this
 * @returns sha256 of the plain bytes, hexadecimal
 */
export async function compressFile(from: string, to: string, watch?: (chunk: Uint8Array) => void): Promise<string> {
  const file = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  const compressed = layerCompressor();
  const output = createWriteStream(to);
  const written = finished(compressed.pipe(output));
  // Seen at the end; until then it must not count as unhandled.
  written.catch(() => undefined);
  const failed = new Promise<never>((_, reject) => {
    output.once('error', reject);
    compressed.once('error', reject);
  });
  failed.catch(() => undefined);
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_SIZE);
      if (bytesRead === 0) break;
      const piece = buffer.subarray(0, bytesRead);
      hash.update(piece);
      watch?.(piece);
      const taken = new Promise<void>((resolve) => compressed.write(piece, () => resolve()));
      await Promise.race([taken, failed]);
    }
    compressed.end();
    await Promise.race([written, failed]);
    return hash.digest('hex');
  } finally {
    compressed.destroy();
    output.destroy();
    await file.close();
  }
}
