import { type Compression, detectCompression } from '../../archive/index.ts';

const MAGIC_BYTES = 6;

/** Tells a stream's compression by its first bytes, without losing them. */
export async function sniffCompression(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly compression: Compression; readonly all: AsyncGenerator<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let length = 0;
  while (length < MAGIC_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    seen.push(next.value);
    length += next.value.length;
  }
  const all = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* seen;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  };
  return { compression: detectCompression(Buffer.concat(seen)), all: all() };
}
