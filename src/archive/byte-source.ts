import { readSync } from 'node:fs';
import { archiveError } from './errors.ts';

/** Bytes that can be read at any place: in memory, in a file, or a part of another source. */
export interface ByteSource {
  readonly length: number;
  /**
   * Valid as long as the source is.
   * @throws ARCHIVE_CORRUPT outside the source
   */
  read(at: number, length: number): Buffer;
}

export function bufferSource(bytes: Buffer): ByteSource {
  return {
    length: bytes.length,
    read(at, length) {
      refuseOutside(at, length, bytes.length);
      return bytes.subarray(at, at + length);
    },
  };
}

/** @param length of the file; a file that became shorter is damaged */
export function fileSource(descriptor: number, length: number): ByteSource {
  return {
    length,
    read(at, count) {
      refuseOutside(at, count, length);
      const bytes = Buffer.allocUnsafe(count);
      for (let done = 0; done < count; ) {
        const got = readSync(descriptor, bytes, done, count - done, at + done);
        if (got === 0) throw archiveError('ARCHIVE_CORRUPT', `a file of ${length} bytes ends at ${at + done}`);
        done += got;
      }
      return bytes;
    },
  };
}

/** @throws ARCHIVE_CORRUPT for a part outside the source */
export function partOf(source: ByteSource, start: number, length: number): ByteSource {
  refuseOutside(start, length, source.length);
  return {
    length,
    read(at, count) {
      refuseOutside(at, count, length);
      return source.read(start + at, count);
    },
  };
}

function refuseOutside(at: number, length: number, end: number): void {
  if (at >= 0 && length >= 0 && at + length <= end) return;
  throw archiveError('ARCHIVE_CORRUPT', `an archive of ${end} bytes points to ${length} bytes at ${at}`);
}
