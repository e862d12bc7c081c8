import { inventoryError } from './errors.ts';

export type RangeOperator = '<' | '<=' | '=' | '!=' | '>=' | '>';

export interface RangeBound {
  readonly operator: RangeOperator;
  readonly version: string;
}

/** Bounds that all hold; an empty list holds for every version. */
export type VersionRange = readonly RangeBound[];

/** Bytes of a range's text: longer than any range a person writes, short enough to quote. */
const MAX_RANGE_LENGTH = 512;
const MAX_BOUNDS = 16;

/** `<<` and `>>` are Debian's words for strictly earlier and later. */
const OPERATORS: Readonly<Record<string, RangeOperator>> = {
  '<': '<',
  '<<': '<',
  '<=': '<=',
  '=': '=',
  '==': '=',
  '!=': '!=',
  '>=': '>=',
  '>': '>',
  '>>': '>',
};

const BOUND = /\s*(<<|<=|<|==|=|!=|>=|>>|>)?\s*([^\s,<>=!]+)\s*,?/y;

/**
 * `<1.2`, `>= 1 < 2`, `>=1,<2`, `1.2-3` (exactly). The versions are in the package format's own order, which is the
 * caller's to know.
 * @throws INVENTORY_RANGE_INVALID
 */
export function parseVersionRange(text: string): VersionRange {
  if (text.length > MAX_RANGE_LENGTH) throw invalid(text.slice(0, 60), `longer than ${MAX_RANGE_LENGTH} characters`);
  const bounds: RangeBound[] = [];
  const trimmed = text.trim();
  BOUND.lastIndex = 0;
  while (BOUND.lastIndex < trimmed.length) {
    const at = BOUND.lastIndex;
    const match = BOUND.exec(trimmed);
    if (match === null) throw invalid(text, `not a bound: ${JSON.stringify(trimmed.slice(at, at + 30))}`);
    bounds.push({ operator: OPERATORS[match[1] ?? '='] as RangeOperator, version: match[2] as string });
    if (bounds.length > MAX_BOUNDS) throw invalid(text, `more than ${MAX_BOUNDS} bounds`);
  }
  if (bounds.length === 0) throw invalid(text, 'it is empty');
  return bounds;
}

function invalid(text: string, why: string): Error {
  return inventoryError('INVENTORY_RANGE_INVALID', `cannot read the version range ${JSON.stringify(text)}: ${why}`, {
    hint: "Forms: '<1.2', '>=1 <2', '1.2-3' (exactly), '!=1.2'.",
  });
}

/** True when the version fulfils every bound. `compare` is the package format's own order. */
export function inRange(
  version: string,
  range: VersionRange,
  compare: (left: string, right: string) => number,
): boolean {
  return range.every((bound) => holds(bound.operator, compare(version, bound.version)));
}

function holds(operator: RangeOperator, order: number): boolean {
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '>=':
      return order >= 0;
    case '>':
      return order > 0;
  }
}
