import { setTimeout as sleep } from 'node:timers/promises';
import type { TestWorld } from '../runner/port.ts';
import type { Problem } from '../types.ts';

/** What a step needs besides its own words. */
export interface StepContext {
  readonly world: TestWorld;
  /** Aborted when this step has had its time, or everything has. */
  readonly signal: AbortSignal;
  /** Why waiting any longer is in vain: the candidate ended. Undefined while it is not. */
  readonly inVain: () => Promise<Problem>;
}

export interface Verdict {
  readonly problem: Problem;
  readonly detail: string;
}

export const good = (detail: string): Verdict => ({ problem: undefined, detail });
export const bad = (problem: string): Verdict => ({ problem, detail: '' });

/** Milliseconds between two tries. */
const POLL = 100;

/** Bytes of output that are kept of a command, and shown of it. */
export const OUTPUT_BYTES = 64 * 1024;
const SHOWN = 400;

/** The end of what something said, on one line. */
export const excerpt = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(-SHOWN);

/**
 * Asks until it is good, the time is over, `tries` are used up or asking is in vain; the last problem stands.
 * @param ask resolves to what is wrong; may throw what a broken connection throws
 */
export async function poll(context: StepContext, tries: number, ask: () => Promise<Verdict>): Promise<Verdict> {
  let last = bad('it was never asked');
  for (let i = 0; i < tries; i += 1) {
    if (context.signal.aborted) break;
    try {
      last = await ask();
    } catch (error) {
      if (!isConnection(error)) throw error;
      last = bad(context.signal.aborted && i > 0 ? (last.problem ?? '') : connectionProblem(error));
    }
    if (last.problem === undefined) return last;
    const vain = await context.inVain();
    if (vain !== undefined) return bad(`${last.problem}; ${vain}`);
    await sleep(POLL, undefined, { signal: context.signal }).catch(() => {});
  }
  return context.signal.aborted ? bad(`not in time: ${last.problem}`) : last;
}

/** A signal's own reason, or what is made of it. */
const isAbort = ({ name }: Error): boolean => name === 'AbortError' || name === 'TimeoutError';

/** What the other side of a connection can do to us; anything else is an error of ours or of the engine. */
function isConnection(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const { code = '' } = error as NodeJS.ErrnoException;
  return (
    /^(?:ECONN|EPIPE|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|HPE_|ERR_STREAM|ABORT_ERR|UND_ERR)/.test(code) ||
    isAbort(error) ||
    error.message.includes('does not answer in') ||
    error.message === 'socket hang up'
  );
}

const connectionProblem = (error: Error): string => (isAbort(error) ? 'it does not answer' : error.message);

/** A regular expression of a test, by lines. */
export const patternOf = (text: string): RegExp => new RegExp(text, 'm');
