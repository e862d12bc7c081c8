import { distroError } from '../errors.ts';
import { orderFits } from '../operator.ts';
import type { Relation } from '../types.ts';

const ZERO = 48;
const NINE = 57;
const TILDE = 126;
const LETTER_OFFSET = 256;

/** Longest version compared; the longest real one has fewer than 100 characters. */
export const MAX_VERSION_LENGTH = 1024;

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;

/** dpkg's order of one character: `~` before the end of a run, the end (or a digit) before letters, letters before the rest. */
function weigh(code: number): number {
  if (Number.isNaN(code) || isDigit(code)) return 0;
  if (code === TILDE) return -1;
  const lower = code | 32;
  return lower >= 97 && lower <= 122 ? code : code + LETTER_OFFSET;
}

function skipZeros(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === ZERO) at += 1;
  return at;
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at += 1;
  return at;
}

/** Runs of non-digits by weight, runs of digits by number (of any length), in turns (deb-version(7)). */
function comparePart(a: string, b: string): number {
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    for (;;) {
      const left = weigh(a.charCodeAt(i));
      const right = weigh(b.charCodeAt(j));
      if (left !== right) return left - right;
      if (left === 0) break;
      i += 1;
      j += 1;
    }
    const aStart = skipZeros(a, i);
    const bStart = skipZeros(b, j);
    i = skipDigits(a, aStart);
    j = skipDigits(b, bStart);
    if (i - aStart !== j - bStart) return i - aStart - (j - bStart);
    for (let at = 0; at < i - aStart; at += 1) {
      const difference = a.charCodeAt(aStart + at) - b.charCodeAt(bStart + at);
      if (difference !== 0) return difference;
    }
  }
  return 0;
}

/**
 * Order of two Debian versions, exactly dpkg's: negative, 0 or positive.
 * A missing epoch is 0 and a missing revision equals `0`. Texts that are no versions still get a total order.
 *
 * @see https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const aColon = a.indexOf(':');
  const bColon = b.indexOf(':');
  const aDash = a.lastIndexOf('-');
  const bDash = b.lastIndexOf('-');
  const aUpstream = a.slice(aColon + 1, aDash > aColon ? aDash : a.length);
  const bUpstream = b.slice(bColon + 1, bDash > bColon ? bDash : b.length);
  return Math.sign(
    comparePart(a.slice(0, Math.max(aColon, 0)), b.slice(0, Math.max(bColon, 0))) ||
      comparePart(aUpstream, bUpstream) ||
      comparePart(aDash > aColon ? a.slice(aDash + 1) : '', bDash > bColon ? b.slice(bDash + 1) : ''),
  );
}

/** Does `version` stand in relation `operator` to `wanted`: `satisfies('1.2-3', '>=', '1.2')`. */
export function satisfies(version: string, operator: NonNullable<Relation['operator']>, wanted: string): boolean {
  return orderFits(compareVersions(version, wanted), operator);
}

const EPOCH = /^\d{1,10}$/;
const UPSTREAM = /^[A-Za-z0-9.+~:-]+$/;
const REVISION = /^[A-Za-z0-9+.~]+$/;

/** The three parts of a version. @throws DISTRO_VERSION_INVALID where dpkg would refuse it too */
export function parseVersion(text: string): { epoch: number; upstream: string; revision: string | undefined } {
  const colon = text.indexOf(':');
  const epoch = colon < 0 ? '0' : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  const upstream = dash < 0 ? rest : rest.slice(0, dash);
  const revision = dash < 0 ? undefined : rest.slice(dash + 1);
  const valid =
    text.length <= MAX_VERSION_LENGTH &&
    EPOCH.test(epoch) &&
    Number(epoch) <= 0x7fffffff &&
    UPSTREAM.test(upstream) &&
    (revision === undefined || REVISION.test(revision));
  if (!valid)
    throw distroError('DISTRO_VERSION_INVALID', `not a Debian version: ${JSON.stringify(text.slice(0, 200))}`);
  return { epoch: Number(epoch), upstream, revision };
}
