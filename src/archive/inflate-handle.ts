import { constants, createInflateRaw } from 'node:zlib';

/**
 * What Node's own synchronous functions call: decodes from a place of one buffer to a place of another, both the
 * caller's. Its public functions allocate every piece of output, which costs as much as a quarter of the decoding.
 */
export interface InflateHandle {
  writeSync(
    flush: number,
    input: Buffer,
    inputAt: number,
    inputLength: number,
    output: Buffer,
    outputAt: number,
    outputLength: number,
  ): void;
  /** Ready for another stream. */
  reset(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

export interface OpenInflate {
  readonly handle: InflateHandle;
  /** After each write: room left in the output, bytes left of the input. */
  readonly left: Uint32Array;
}

/** The decoder's insides, for deflate without any frame, where this Node has them as we know them. */
export function openInflate(): OpenInflate | undefined {
  const { _handle: handle, _writeState: left } = createInflateRaw({ chunkSize: constants.Z_MIN_CHUNK }) as unknown as {
    readonly _handle?: Partial<InflateHandle>;
    readonly _writeState?: unknown;
  };
  if (typeof handle?.writeSync !== 'function' || typeof handle.reset !== 'function') return undefined;
  if (!(left instanceof Uint32Array) || left.length !== 2) return undefined;
  return { handle: handle as InflateHandle, left };
}
