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

/** Runs of digits and of letters in turns; what separates them counts only by its length. */
function compareSegments(a: string, b: string): number {
  let i = 0;
  let j = 0;
  for (let [leftEnd, rightEnd] = [0, 0]; i < a.length && j < b.length; ) {
    i = skip(a, i, isSeparator);
    j = skip(b, j, isSeparator);
    if (i >= a.length || j >= b.length) break;
    const separators = i - leftEnd - (j - rightEnd);
    if (separators !== 0) return separators;
    const numeric = isDigit(a.charCodeAt(i));
    leftEnd = skip(a, i, numeric ? isDigit : isAlpha);
    rightEnd = skip(b, j, numeric ? isDigit : isAlpha);
    // Digits are newer than letters.
    if (rightEnd === j) return numeric ? 1 : -1;
    const [left, right] = [a.slice(i, leftEnd), b.slice(j, rightEnd)];
    const order = numeric ? compareNumbers(left, right) : left < right ? -1 : left > right ? 1 : 0;
    if (order !== 0) return order;
    [i, j] = [leftEnd, rightEnd];
  }
  if (i >= a.length && j >= b.length) return 0;
  // Letters that remain make a version older (1.0rc < 1.0), anything else newer.
  if (isAlpha(a.charCodeAt(i))) return -1;
  return i >= a.length && !isAlpha(b.charCodeAt(j)) ? -1 : 1;
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
  const order = compareVersions(version, wanted);
  switch (operator) {
    case '<<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
    case '>=':
      return order >= 0;
    case '>>':
      return order > 0;
  }
}
