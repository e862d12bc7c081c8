import type { ByteRange } from '../../storage/index.ts';

/**
 * Reads a Range header for a representation of `size` bytes (RFC 9110, 14.1.2): the range, `whole` where the header is
 * absent or of a form a server may ignore (other units, several ranges), `outside` where nothing of it exists, as of
 * one that ends before it begins (14.2 lets a server reject that).
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'whole' | 'outside' {
  const match = header === undefined ? null : /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header.trim());
  if (match === null || (match[1] === '' && match[2] === '')) return 'whole';
  if (match[1] === '') {
    const length = Number(match[2]);
    return length === 0 || size === 0 ? 'outside' : { start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start >= size || end < start ? 'outside' : { start, end };
}

/** `0-99` of a chunk's Content-Range (distribution-spec, "Pushing a blob in chunks"); undefined for any other form. */
export function parseChunkRange(header: string): ByteRange | undefined {
  const match = /^(?:bytes[ =])?(\d{1,16})-(\d{1,16})(?:\/(?:\d+|\*))?$/.exec(header.trim());
  if (match === null) return undefined;
  const [start, end] = [Number(match[1]), Number(match[2])];
  return end < start ? undefined : { start, end };
}
