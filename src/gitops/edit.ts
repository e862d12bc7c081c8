import type { Scalar } from 'yaml';

/** Bytes of a text to be replaced: characters from `start` to `end`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Everything outside the edits stays as it is, to the byte. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const edit of [...edits].sort((a, b) => b.start - a.start)) {
    result = result.slice(0, edit.start) + edit.text + result.slice(edit.end);
  }
  return result;
}

/** Puts another value into a scalar in the style that it has. */
export function replaceScalar(scalar: Scalar, value: string): Edit | undefined {
  const [start, end] = scalar.range ?? [];
  if (start === undefined || end === undefined) return undefined;
  if (scalar.type === 'QUOTE_DOUBLE') return { start, end, text: JSON.stringify(value) };
  if (scalar.type === 'QUOTE_SINGLE') return { start, end, text: `'${value}'` };
  // Blocks (`|`, `>`) hold no image names that anybody would write.
  if (scalar.type !== 'PLAIN') return undefined;
  // A plain `1.2` would be read as a number by charts that want a text; digests and names are plain texts.
  return { start, end, text: /^[\d.]+$/.test(value) ? JSON.stringify(value) : value };
}

/** A new key in the line below one that is there, with its indentation; undefined where that is no block style. */
export function insertBelow(text: string, key: Scalar, value: Scalar, line: string): Edit | undefined {
  const [start] = key.range ?? [];
  const [, end] = value.range ?? [];
  if (start === undefined || end === undefined) return undefined;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const before = text.slice(lineStart, start);
  // `- name: x`: the list's dash counts as room.
  if (!/^[ ]*(?:- +)*$/.test(before)) return undefined;
  const lineEnd = text.indexOf('\n', end);
  const at = lineEnd < 0 ? text.length : lineEnd;
  const lineBreak = text.slice(0, at).endsWith('\r') ? '\r\n' : '\n';
  const place = lineBreak === '\r\n' ? at - 1 : at;
  return { start: place, end: place, text: `${lineBreak}${' '.repeat(before.length)}${line}` };
}

/** A new key behind a value of a flow mapping (`{name: x}`, JSON), in a form that both have. */
export function insertInFlow(value: Scalar, key: string, added: string): Edit | undefined {
  const [, end] = value.range ?? [];
  if (end === undefined) return undefined;
  return { start: end, end, text: `, ${JSON.stringify(key)}: ${JSON.stringify(added)}` };
}

/** All of them, or none. */
export function edits(...made: readonly (Edit | undefined)[]): readonly Edit[] | undefined {
  return made.every((one): one is Edit => one !== undefined) ? made : undefined;
}
