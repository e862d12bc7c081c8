import { orderFits } from '../operator.ts';
import type { Relation } from '../types.ts';

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isAlpha = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
const isWord = (code: number): boolean => isDigit(code) || isAlpha(code);

/** First place from `at` whose character is not accepted; NaN, past the end, is never accepted. */
function skip(text: string, at: number, accepts: (code: number) => boolean): number {
  let end = at;
  while (accepts(text.charCodeAt(end))) end += 1;
  return end;
}

const isSeparator = (code: number): boolean => !Number.isNaN(code) && !isWord(code);

function compareNumbers(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);
}

/** Runs of digits and of letters of a text, one after another. */
class Runs {
  readonly #text: string;
  #at = 0;
  #end = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isOver(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The character that comes next; NaN where none does. */
  get next(): number {
    return this.#text.charCodeAt(this.#at);
  }

  /** Goes to the next run. @returns how many characters lay between */
  skipSeparators(): number {
    this.#at = skip(this.#text, this.#at, isSeparator);
    return this.#at - this.#end;
  }

  /** Digits, or letters, from here on; '' where there are none. */
  take(numeric: boolean): string {
    this.#end = skip(this.#text, this.#at, numeric ? isDigit : isAlpha);
    const run = this.#text.slice(this.#at, this.#end);
    this.#at = this.#end;
    return run;
  }
}

function compareRuns(left: Runs, right: Runs): number {
  const numeric = isDigit(left.next);
  const a = left.take(numeric);
  const b = right.take(numeric);
  // Digits are newer than letters.
  if (b === '') return numeric ? 1 : -1;
  if (numeric) return compareNumbers(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What separates runs counts only by its length. */
function compareSegments(a: string, b: string): number {
  const left = new Runs(a);
  const right = new Runs(b);
  while (!left.isOver && !right.isOver) {
    const between = left.skipSeparators() - right.skipSeparators();
    if (left.isOver || right.isOver) break;
    const order = between || compareRuns(left, right);
    if (order !== 0) return order;
  }
  if (left.isOver && right.isOver) return 0;
  // Letters that remain make a version older (1.0rc < 1.0), anything else newer.
  if (isAlpha(left.next)) return -1;
  return left.isOver && !isAlpha(right.next) ? -1 : 1;
}

interface Evr {
  readonly epoch: string;
  readonly version: string;
  readonly release: string | undefined;
}

/** `[epoch:]version[-release]`; a missing epoch is 0. */
function split(text: string): Evr {
  const digits = skip(text, 0, isDigit);
  const hasEpoch = text[digits] === ':';
  const start = hasEpoch ? digits + 1 : 0;
  const dash = text.lastIndexOf('-');
  const hasRelease = dash >= digits;
  return {
    epoch: hasEpoch && digits > 0 ? text.slice(0, digits) : '0',
    version: text.slice(start, hasRelease ? dash : undefined),
    release: hasRelease ? text.slice(dash + 1) : undefined,
  };
}

/**
 * Order of two versions, exactly that of libalpm (`vercmp`): negative, 0 or positive. A release counts only where both
 * have one. No total order over all texts (1.0-1 = 1.0 = 1.0-2), as it is none in pacman.
 *
 * @see vercmp(8)
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [split(a), split(b)];
  const order = compareSegments(left.epoch, right.epoch) || compareSegments(left.version, right.version);
  if (order !== 0 || left.release === undefined || right.release === undefined) return Math.sign(order);
  return Math.sign(compareSegments(left.release, right.release));
}

/** Does `version` stand in relation `operator` to `wanted`? */
export function satisfies(version: string, operator: NonNullable<Relation['operator']>, wanted: string): boolean {
  return orderFits(compareVersions(version, wanted), operator);
}
