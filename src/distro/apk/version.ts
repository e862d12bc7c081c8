import { orderFits } from '../operator.ts';
import type { Relation } from '../types.ts';

/** Kinds of parts, in apk's order: of two versions that part ways here, the one with the later kind is the older. */
const INITIAL = 0;
const DIGITS = 1;
const LETTER = 2;
const SUFFIX = 3;
const SUFFIX_NUMBER = 4;
const HASH = 5;
const REVISION = 6;
const END = 7;
const INVALID = 8;

/** Before `none` a suffix makes a version older than the same without it, after it newer. */
const SUFFIXES = ['alpha', 'beta', 'pre', 'rc', 'none', 'cvs', 'svn', 'git', 'hg', 'p'];
const NO_SUFFIX = SUFFIXES.indexOf('none');

/** Digits that a double holds exactly; longer numbers are compared as apk does, modulo 2^64. */
const EXACT_DIGITS = 15;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLower = (code: number): boolean => code >= 97 && code <= 122;
const isHex = (code: number): boolean => isDigit(code) || (code >= 97 && code <= 102);

/** Reads a version part by part: `digit{.digit}...{letter}{_suffix{number}}...{~hash}{-r#}` (apk-package(5)). */
class Parts {
  readonly #text: string;
  #at = 0;
  kind = INITIAL;
  value = '';
  suffix = 0;

  constructor(text: string) {
    this.#text = text;
    this.#take(isDigit);
  }

  /** A run of such characters; an empty one makes the version invalid. */
  #take(accepts: (code: number) => boolean): void {
    const start = this.#at;
    while (this.#at < this.#text.length && accepts(this.#text.charCodeAt(this.#at))) this.#at += 1;
    this.value = this.#text.slice(start, this.#at);
    if (this.value === '') this.kind = INVALID;
  }

  next(): void {
    const text = this.#text;
    if (this.#at >= text.length) {
      this.kind = END;
      return;
    }
    const code = text.charCodeAt(this.#at);
    const before = this.kind;
    this.kind = INVALID;
    if (isLower(code)) {
      if (before > DIGITS) return;
      this.value = text.charAt(this.#at);
      this.#at += 1;
      this.kind = LETTER;
    } else if (code === 46 || isDigit(code)) {
      this.#number(before, code === 46);
    } else if (code === 95) {
      if (before > SUFFIX_NUMBER) return;
      this.#at += 1;
      this.#take(isLower);
      this.suffix = SUFFIXES.indexOf(this.value);
      this.kind = this.suffix < 0 || this.suffix === NO_SUFFIX ? INVALID : SUFFIX;
    } else if (code === 126) {
      if (before >= HASH) return;
      this.#at += 1;
      this.kind = HASH;
      this.#take(isHex);
    } else if (code === 45) {
      if (before >= REVISION || !text.startsWith('-r', this.#at)) return;
      this.#at += 2;
      this.kind = REVISION;
      this.#take(isDigit);
    }
  }

  #number(before: number, dotted: boolean): void {
    if (dotted) {
      if (before > DIGITS) return;
      this.#at += 1;
    }
    if (before <= DIGITS) this.kind = DIGITS;
    else if (before === SUFFIX) this.kind = SUFFIX_NUMBER;
    else return;
    this.#take(isDigit);
  }
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function byNumber(a: string, b: string): number {
  if (a.length <= EXACT_DIGITS && b.length <= EXACT_DIGITS) return Number(a) - Number(b);
  const [left, right] = [BigInt.asUintN(64, BigInt(a)), BigInt.asUintN(64, BigInt(b))];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Order of two parts of the same kind. */
function compareParts(a: Parts, b: Parts): number {
  switch (a.kind) {
    case DIGITS:
      // As in Gentoo: a leading zero makes it a fraction, compared as text.
      return a.value.startsWith('0') || b.value.startsWith('0') ? byText(a.value, b.value) : byNumber(a.value, b.value);
    case INITIAL:
    case SUFFIX_NUMBER:
    case REVISION:
      return byNumber(a.value, b.value);
    case SUFFIX:
      return a.suffix - b.suffix;
    default:
      return byText(a.value, b.value);
  }
}

/**
 * @param fuzzy true: whatever begins with all of `b` equals it (`~` in dependencies)
 */
function compare(a: string, b: string, fuzzy: boolean): number {
  const [left, right] = [new Parts(a), new Parts(b)];
  while (left.kind === right.kind && left.kind < END) {
    const order = compareParts(left, right);
    if (order !== 0) return Math.sign(order);
    left.next();
    right.next();
  }
  if (left.kind === right.kind || (fuzzy && right.kind === END)) return 0;
  // The longer one is newer, unless what it has more says that it came before.
  if (left.kind === SUFFIX && left.suffix < NO_SUFFIX) return -1;
  if (right.kind === SUFFIX && right.suffix < NO_SUFFIX) return 1;
  return left.kind > right.kind ? -1 : 1;
}

/**
 * Order of two versions, exactly that of apk-tools 3: negative, 0 or positive. Texts that are no versions compare as apk
 * compares them, up to where they stop being one.
 *
 * @see https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-package.5.scd
 */
export function compareVersions(a: string, b: string): number {
  return a === b ? 0 : compare(a, b, false);
}

/** Does `version` begin with the parts of `wanted`: `1.2.3-r4` with `1.2` (`pkg~1.2` in a dependency)? */
export function matchesFuzzily(version: string, wanted: string): boolean {
  return compare(version, wanted, true) === 0;
}

/** Does `version` stand in relation `operator` to `wanted`? */
export function satisfies(version: string, operator: NonNullable<Relation['operator']>, wanted: string): boolean {
  return orderFits(compareVersions(version, wanted), operator);
}

/** Would apk take it for a version? */
export function isVersion(text: string): boolean {
  const parts = new Parts(text);
  while (parts.kind < END) parts.next();
  return parts.kind === END;
}
