import type { Answer } from './ask.ts';
import { pointTo } from './pointer.ts';
import { none, type Reading, readingOf } from './reading.ts';

/** A number, a text that is one, or true and false as 1 and 0. */
export function readJson(answer: Answer, tokens: readonly string[]): Reading {
  if ('trouble' in answer) return none(answer.trouble);
  const value = pointTo(answer.json, tokens);
  const place = tokens.length === 0 ? 'the answer' : `/${tokens.join('/')}`;
  if (typeof value === 'boolean') return readingOf(value ? 1 : 0, place);
  if (typeof value === 'number') return readingOf(value, place);
  if (typeof value === 'string' && /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(value)) {
    return readingOf(Number(value), place);
  }
  return none(value === undefined ? `the answer has no ${place}` : `${place} is no number`);
}
