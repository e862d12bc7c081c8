import { closeSync, constants, openSync, readSync } from 'node:fs';

const PIECE = 256 * 1024;
const OPEN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Reads files in memory (tmpfs) piece by piece, one file at a time. Synchronous calls and one buffer for all: a patch
 * reads thousands of small files, and a stream for each costs more than reading it. A piece is valid until the next
 * is asked for. A file is opened when it is its turn: a patch may change more files than a process may hold open.
 */
export function filePieces(): (path: Buffer) => AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(PIECE);
  return async function* pieces(path) {
    const descriptor = openSync(path, OPEN);
    try {
      for (let size = readSync(descriptor, buffer); size > 0; size = readSync(descriptor, buffer)) {
        yield buffer.subarray(0, size);
      }
    } finally {
      closeSync(descriptor);
    }
  };
}

const LEFT = Buffer.allocUnsafeSlow(PIECE);
const RIGHT = Buffer.allocUnsafeSlow(PIECE);

/** True when both are files of `size` bytes with the same content; neither's own name is followed. */
export function sameFileContent(a: Buffer | string, b: Buffer | string, size: number): boolean {
  const descriptors: number[] = [];
  try {
    for (const path of [a, b]) descriptors.push(openSync(path, OPEN));
    const [left = -1, right = -1] = descriptors;
    for (let at = 0; at < size; ) {
      const [read, other] = [readSync(left, LEFT), readSync(right, RIGHT)];
      if (read === 0 || read !== other || LEFT.compare(RIGHT, 0, read, 0, read) !== 0) return false;
      at += read;
    }
    return true;
  } catch {
    return false;
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}
