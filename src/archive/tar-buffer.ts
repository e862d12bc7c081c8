import { archiveError } from './errors.ts';
import { overLimit, withDefaults } from './limits.ts';
import { BLOCK } from './tar-block.ts';
import { padded, TarHeaders } from './tar-headers.ts';
import { asBuffer, type TarReadOptions, truncated } from './tar-parser.ts';
import type { ArchiveLimits, TarHeader } from './types.ts';

export type BufferedTarEntry = TarHeader & { readonly content: Buffer };

/**
 * Reads an archive that is in memory; `content` is a view of `bytes`, not a copy.
 * @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT, ARCHIVE_PATH_ESCAPE, ARCHIVE_UNSUPPORTED
 */
export function* readTarBuffer(
  bytes: Uint8Array,
  limits?: Partial<ArchiveLimits>,
  options: TarReadOptions = {},
): Generator<BufferedTarEntry, void, undefined> {
  const buffer = asBuffer(bytes);
  const checked = withDefaults(limits);
  if (buffer.length > checked.bytes) throw overLimit('the unpacked archive', checked.bytes, 'bytes');
  const headers = new TarHeaders(checked);
  let zeros = 0;
  let at = 0;
  const take = (size: number): Buffer => {
    if (at + size > buffer.length) throw truncated(buffer.length);
    const taken = buffer.subarray(at, at + size);
    at = Math.min(buffer.length, at + padded(size));
    return taken;
  };
  while (at < buffer.length && zeros < 2) {
    if (at + BLOCK > buffer.length) throw truncated(buffer.length);
    const step = headers.block(buffer, at);
    at += BLOCK;
    if (step.kind === 'zero') zeros += 1;
    else if (zeros > 0) throw archiveError('ARCHIVE_CORRUPT', 'an entry follows a lone zero block');
    else if (step.kind === 'metadata') headers.metadata(take(step.size));
    else if (step.kind === 'skip') take(step.size);
    else yield Object.assign(step.header, { content: take(step.header.size) });
  }
  if (headers.dangling || (zeros === 0 && options.allowMissingEnd !== true)) throw truncated(buffer.length);
}
