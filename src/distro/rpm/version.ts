import { orderFits } from '../operator.ts';
import type { Relation } from '../types.ts';

const ZERO = 48;
const TILDE = 126;
const CARET = 94;

const isDigit = (code: number): boolean => code >= ZERO && code <= 57;

const isLetter = (code: number): boolean => {
  const lower = code | 32;
  return lower >= 97 && lower <= 122;
};

const isSeparator = (code: number): boolean =>
  !isDigit(code) && !isLetter(code) && code !== TILDE && code !== CARET && !Number.isNaN(code);

function skip(text: string, from: number, belongs: (code: number) => boolean): number {
  let at = from;
  while (belongs(text.charCodeAt(at))) at += 1;
  return at;
}

/** Order of `~` (before everything, even the end) and `^` (after the end, before everything else) at one place. */
function compareMark(mark: number, left: number, right: number): number {
  if (mark === TILDE) return left === TILDE ? -1 : 1;
  if (Number.isNaN(left)) return -1;
  if (Number.isNaN(right)) return 1;
  return left === CARET ? -1 : 1;
}

/** Two runs of digits, or two runs of letters. */
function compareRun(a: string, aFrom: number, aTo: number, b: string, bFrom: number, bTo: number): number {
  const isNumber = isDigit(a.charCodeAt(aFrom));
  // A number is newer than letters.
  if (bFrom === bTo) return isNumber ? 1 : -1;
  const i = isNumber ? skip(a, aFrom, (code) => code === ZERO) : aFrom;
  const j = isNumber ? skip(b, bFrom, (code) => code === ZERO) : bFrom;
  if (isNumber && aTo - i !== bTo - j) return aTo - i - (bTo - j);
  for (let at = 0; at < aTo - i && at < bTo - j; at += 1) {
    const difference = a.charCodeAt(i + at) - b.charCodeAt(j + at);
    if (difference !== 0) return difference;
  }
  return aTo - i - (bTo - j);
}

/**
 * rpmvercmp: runs of digits by number, runs of letters by code, whatever else stands between them is the same.
 * @see https://rpm.org/docs/latest/manual/version (rpm-version(7))
 */
function compareSegments(a: string, b: string): number {
  if (a === b) return 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    i = skip(a, i, isSeparator);
    j = skip(b, j, isSeparator);
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(j);
    const mark = left === TILDE || right === TILDE ? TILDE : left === CARET || right === CARET ? CARET : undefined;
    if (mark !== undefined) {
      if (left !== right) return compareMark(mark, left, right);
      i += 1;
      j += 1;
      continue;
    }
    if (i >= a.length || j >= b.length) break;
    const belongs = isDigit(left) ? isDigit : isLetter;
    const aTo = skip(a, i, belongs);
    const bTo = skip(b, j, belongs);
    const order = compareRun(a, i, aTo, b, j, bTo);
    if (order !== 0) return order;
    i = aTo;
    j = bTo;
  }
  return Number(i < a.length) - Number(j < b.length);
}

/** `[epoch:]version[-release]`, as rpm takes it apart. */
export interface Evr {
  /** `0` where there is none. */
  readonly epoch: string;
  readonly version: string;
  readonly release: string | undefined;
}

export function parseEvr(text: string): Evr {
  const colon = skip(text, 0, isDigit);
  const hasEpoch = text.charCodeAt(colon) === 58;
  const rest = hasEpoch ? text.slice(colon + 1) : text;
  const dash = rest.lastIndexOf('-');
  return {
    epoch: hasEpoch && colon > 0 ? text.slice(0, colon) : '0',
    version: dash < 0 ? rest : rest.slice(0, dash),
    release: dash < 0 ? undefined : rest.slice(dash + 1),
  };
}

/**
 * Order of two versions, exactly rpm's: negative, 0 or positive. A missing epoch is 0; a version without release is
 * before every release of it.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = parseEvr(a);
  const right = parseEvr(b);
  const order = compareSegments(left.epoch, right.epoch) || compareSegments(left.version, right.version);
  if (order !== 0) return Math.sign(order);
  if (left.release === undefined || right.release === undefined) {
    return Number(left.release !== undefined) - Number(right.release !== undefined);
  }
  return Math.sign(compareSegments(left.release, right.release));
}

/**
 * Does `version` stand in relation `operator` to `wanted`? As in rpm's dependencies, a side without release stands for
 * every release of its version.
 */
export function satisfies(version: string, operator: NonNullable<Relation['operator']>, wanted: string): boolean {
  const left = parseEvr(version);
  const right = parseEvr(wanted);
  const bare = left.release === undefined || right.release === undefined;
  const order = bare
    ? compareSegments(left.epoch, right.epoch) || compareSegments(left.version, right.version)
    : compareVersions(version, wanted);
  return orderFits(order, operator);
}
