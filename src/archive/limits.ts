import { archiveError } from './errors.ts';
import type { ArchiveLimits } from './types.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** What one image layer or package may unpack to, unless the caller says otherwise. */
export const DEFAULT_ARCHIVE_LIMITS: ArchiveLimits = {
  bytes: 32 * GIB,
  entries: 4_000_000,
  pathLength: 4096,
  depth: 256,
};

/** Longest pax header (all records of one entry); Go's archive/tar, which every engine uses, stops there too. */
export const MAX_PAX_BYTES = MIB;

/** Largest content one captured entry may have, unless the caller says otherwise. */
export const DEFAULT_CAPTURE_LIMIT = 256 * MIB;

/** What a whole-buffer decompression may yield, unless the caller says otherwise. */
export const DEFAULT_BUFFER_LIMIT = 2 * GIB;

/**
 * Above this many bytes of output, a stream that expands more than `BOMB_RATIO` times is refused as a bomb.
 * High, because honest images hold preallocated databases and swap files: gigabytes of zeros.
 */
export const BOMB_RATIO_FLOOR = 4 * GIB;
/** deflate cannot expand more than 1032 times; only constant bytes come near. */
export const BOMB_RATIO = 500;

export function withDefaults(limits: Partial<ArchiveLimits> | undefined): ArchiveLimits {
  return limits === undefined ? DEFAULT_ARCHIVE_LIMITS : { ...DEFAULT_ARCHIVE_LIMITS, ...limits };
}

export function overLimit(what: string, limit: number, unit: string): Error {
  return archiveError('ARCHIVE_LIMIT', `${what} is over the limit of ${limit} ${unit}`, {
    hint: 'The archive is hostile or far larger than any image; raise the limit only for a source you trust.',
    details: { limit, unit },
  });
}
