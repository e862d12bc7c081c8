import type { IncomingHttpHeaders } from 'node:http';
import type { Digest } from '../../oci/index.ts';

/** The entity tag of content with this digest: strong, since the digest names the bytes. */
export const etagOf = (digest: Digest): string => `"${digest}"`;

/**
 * Whether a list of entity tags (RFC 9110, 13.1.1 and 13.1.2) has that of `digest`; `*` stands for any that exists.
 * Weak tags count only where the comparison is weak: for If-None-Match, not for If-Match.
 */
function lists(header: string, digest: Digest | undefined, comparison: 'weak' | 'strong'): boolean {
  if (digest === undefined) return false;
  if (header.trim() === '*') return true;
  const wanted = etagOf(digest);
  return header.split(',').some((part) => {
    const tag = part.trim();
    return tag === wanted || (comparison === 'weak' && tag === `W/${wanted}`);
  });
}

/** The client has this already: the answer is 304. */
export function isUnchanged(headers: IncomingHttpHeaders, digest: Digest): boolean {
  const header = headers['if-none-match'];
  return header !== undefined && lists(header, digest, 'weak');
}

/** The Range header, except where If-Range says that the client's part is of other content (RFC 9110, 13.1.5). */
export function rangeHeader(headers: IncomingHttpHeaders, digest: Digest): string | undefined {
  const condition = headers['if-range'];
  return condition === undefined || String(condition).trim() === etagOf(digest) ? headers.range : undefined;
}

/**
 * What a client asks of the content before it changes it: If-Match (the tag still names what I saw), If-None-Match
 * (`*`: the tag is new). Undefined where it asks nothing.
 */
export function precondition(headers: IncomingHttpHeaders): ((current: Digest | undefined) => boolean) | undefined {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  if (match === undefined && noneMatch === undefined) return undefined;
  return (current) =>
    (match === undefined || lists(match, current, 'strong')) &&
    (noneMatch === undefined || !lists(noneMatch, current, 'weak'));
}
