/**
 * Frees the memory of a chunk that its reader is done with and nobody else holds, without waiting for the collector.
 * Only when it reaches the end of its buffer: a decoder or a file stream hands out a buffer in several pieces while it
 * still fills it, and cannot write into one that it has handed out whole.
 */
export function giveBack({ buffer, byteOffset, length }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteOffset + length === buffer.byteLength) buffer.transfer(0);
}
