import { createContext, Script } from 'node:vm';
import { analysisError } from './errors.ts';
import { none, type Reading, readingOf } from './reading.ts';

/** Characters of a line that are looked at; programs log whole documents. */
const MAX_LINE = 8_192;
/** Milliseconds for the pattern over all lines of one look: lines are foreign, and some patterns take for ever on some. */
const PATTERN_TIME = 500;

/** @throws ANALYSIS_EXPRESSION_INVALID */
export function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern, 'u');
  } catch (cause) {
    throw analysisError('ANALYSIS_EXPRESSION_INVALID', `${JSON.stringify(pattern)} is no regular expression`, {
      cause,
    });
  }
}

const COUNT = new Script('lines.reduce((n, line) => n + (expression.test(line) ? 1 : 0), 0)');

/** How many lines match. Ended from outside when it takes too long, which a regular expression by itself cannot be. */
export function countMatching(pattern: string, lines: readonly string[]): number | undefined {
  const expression = new RegExp(pattern, 'u');
  const context = createContext({ lines: lines.map((line) => line.slice(0, MAX_LINE)), expression });
  try {
    return COUNT.runInContext(context, { timeout: PATTERN_TIME }) as number;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  }
}

/** One copy's output of a window. */
export interface WindowOutput {
  readonly lines: readonly string[];
  /** Milliseconds that the lines are of: less than the window where there were too many to read. */
  readonly covered: number;
}

const MINUTE = 60_000;
/** Below that a rate is chance. */
const LEAST_COVERED = 1_000;

/** Matching lines per minute and copy. */
export function lineRate(pattern: string, outputs: readonly WindowOutput[]): Reading {
  if (outputs.length === 0) return none('no copy says anything');
  let rate = 0;
  for (const { lines, covered } of outputs) {
    const count = countMatching(pattern, lines);
    if (count === undefined) return none(`the pattern takes more than ${PATTERN_TIME} ms`);
    rate += (count * MINUTE) / Math.max(covered, LEAST_COVERED);
  }
  return readingOf(rate / outputs.length, 'the rate');
}
