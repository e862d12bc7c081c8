import { rebuildError } from '../errors.ts';

/**
 * Variables of a Dockerfile word: `$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME:+word}`, `${NAME-word}`, `${NAME+word}`
 * (docs.docker.com/reference/dockerfile, "Environment replacement"). An unknown one is empty.
 * @throws REBUILD_DOCKERFILE_INVALID
 */
export function expand(text: string, variables: ReadonlyMap<string, string>, depth = 0): string {
  if (depth > 10)
    throw rebuildError('REBUILD_DOCKERFILE_INVALID', 'variables of the Dockerfile stand too deep in one another');
  let result = '';
  for (let at = 0; at < text.length; ) {
    const char = text[at] as string;
    if (char === '\\' && at + 1 < text.length) {
      result += text[at + 1];
      at += 2;
    } else if (char !== '$') {
      result += char;
      at += 1;
    } else {
      const found = reference(text, at);
      result += found === undefined ? '$' : substitute(found, variables, depth);
      at = found?.end ?? at + 1;
    }
  }
  return result;
}

interface VariableUse {
  readonly name: string;
  readonly operator: string;
  readonly word: string;
  readonly end: number;
}

function reference(text: string, at: number): VariableUse | undefined {
  const plain = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(text.slice(at));
  if (plain !== null) return { name: plain[1] as string, operator: '', word: '', end: at + plain[0].length };
  const braced = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(:?[-+?]|\})/.exec(text.slice(at));
  if (braced === null) return undefined;
  const [whole, name = '', operator = ''] = braced;
  if (operator === '}') return { name, operator: '', word: '', end: at + whole.length };
  let depth = 1;
  for (let end = at + whole.length; end < text.length; end += 1) {
    if (text[end] === '{' && text[end - 1] === '$') depth += 1;
    if (text[end] === '}') depth -= 1;
    if (depth === 0) return { name, operator, word: text.slice(at + whole.length, end), end: end + 1 };
  }
  throw rebuildError('REBUILD_DOCKERFILE_INVALID', `${JSON.stringify(text.slice(0, 200))}: a brace is not closed`);
}

function substitute(
  { name, operator, word }: VariableUse,
  variables: ReadonlyMap<string, string>,
  depth: number,
): string {
  const value = variables.get(name);
  const isThere = operator.startsWith(':') ? (value ?? '') !== '' : value !== undefined;
  switch (operator.at(-1)) {
    case '-':
      return isThere ? (value as string) : expand(word, variables, depth + 1);
    case '+':
      return isThere ? expand(word, variables, depth + 1) : '';
    case '?':
      if (isThere) return value as string;
      throw rebuildError('REBUILD_DOCKERFILE_INVALID', `the build argument ${name} is needed: ${word}`, {
        hint: `Give it with --build-arg ${name}=….`,
      });
    default:
      return value ?? '';
  }
}
