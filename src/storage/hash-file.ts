import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

/** Bytes read at once. */
const READ_SIZE = 512 * 1024;

/** Hash, hexadecimal, of an open file from its first byte, wherever it is positioned. */
export async function hashHandle(handle: FileHandle, algorithm: 'sha256' | 'sha512'): Promise<string> {
  const hash = createHash(algorithm);
  const chunk = Buffer.allocUnsafeSlow(READ_SIZE);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(chunk, 0, READ_SIZE, position);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
}
