import { advisoryError } from './errors.ts';

const MIB = 1024 * 1024;

/** A whole document that is read at once: the largest CSAF and OSV files have 30 MiB. */
export const MAX_DOCUMENT_BYTES = 128 * MIB;
/** One member of a document read in pieces: the Debian tracker's `linux` has 8 MiB. */
export const MAX_MEMBER_BYTES = 64 * MIB;
/** All of a streamed document, decompressed: OSV's dump of everything has 5 GiB. */
export const MAX_STREAM_BYTES = 16 * 1024 * MIB;
/** Nesting of JSON and XML; OVAL's criteria come to 10. */
export const MAX_DEPTH = 64;
/** Characters of text within one XML element; RHSA descriptions have 30,000. */
export const MAX_TEXT = MIB;
export const MAX_ATTRIBUTES = 64;
/** Longest id; also of a name or version. */
export const MAX_NAME = 512;
export const MAX_SUMMARY = 500;
export const MAX_URLS = 20;
/** Aliases of one advisory: a kernel update fixes some 1,500 CVEs at once. */
export const MAX_ALIASES = 10_000;
/** Packages of one advisory. */
export const MAX_AFFECTED = 500_000;

export function overLimit(what: string, thing: string, limit: number): Error {
  return advisoryError('ADVISORY_LIMIT', `${what}: ${thing} is over the limit of ${limit}`, {
    hint: 'The document is hostile or broken: no published one comes near.',
    details: { limit },
  });
}

export function invalid(what: string, why: string, cause?: unknown): Error {
  return advisoryError('ADVISORY_INVALID', `${what}: ${why}`, {
    hint: 'Fetch the document again, or say what it is with --type.',
    ...(cause === undefined ? {} : { cause }),
  });
}
