/**
 * Frees the memory of a chunk that its reader is done with and nobody else holds, without waiting for the collector.
 * Only when it reaches the end of its buffer: a decoder or a file stream hands out a buffer in several pieces while it
 * still fills it, and cannot write into one that it has handed out whole.
 */
export function giveBack({ buffer, byteOffset, length }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteOffset + length === buffer.byteLength) buffer.transfer(0);
}

/** Node lets small buffers share memory; from this length on none does (`Buffer.poolSize` is far below). */
const OWN_FROM_BYTES = 1024 * 1024;

/** Frees the memory of a buffer that one call of Node made for one caller, who is done with all of it. */
export function giveBackWhole({ buffer, length }: Uint8Array): void {
  if (length >= OWN_FROM_BYTES && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
