import { analysisError } from './errors.ts';

/** Reference tokens of a JSON pointer. @see RFC 6901 @throws ANALYSIS_EXPRESSION_INVALID */
export function parsePointer(text: string): readonly string[] {
  if (text === '') return [];
  if (!text.startsWith('/') || /~(?![01])/.test(text)) {
    throw analysisError('ANALYSIS_EXPRESSION_INVALID', `${JSON.stringify(text)} is no JSON pointer`, {
      hint: 'Write /data/errorRate; a list is counted from 0: /results/0/value.',
    });
  }
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** What a pointer points to; undefined where there is nothing. Inherited properties are none. */
export function pointTo(document: unknown, tokens: readonly string[]): unknown {
  let at = document;
  for (const token of tokens) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return undefined;
    if (Array.isArray(at) && !/^(?:0|[1-9]\d*)$/.test(token)) return undefined;
    at = (at as Record<string, unknown>)[token];
  }
  return at;
}
