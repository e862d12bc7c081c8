import type { Scalar } from 'yaml';
import type { Edit } from './edit.ts';

/** YAML that stands as a literal block (`|`) within YAML. */
export interface LiteralText {
  /** Without its indentation, lines ended by a line feed. */
  readonly text: string;
  /** Where each of its lines begins in the file, behind the indentation. */
  readonly starts: readonly number[];
  readonly indentation: number;
  readonly lineBreak: string;
}

/** Undefined for anything but a literal block with its indentation as written (no `|2`). */
export function literalText(file: string, scalar: Scalar): LiteralText | undefined {
  const [start, end] = scalar.range ?? [];
  if (scalar.type !== 'BLOCK_LITERAL' || start === undefined || end === undefined) return undefined;
  const source = file.slice(start, end);
  const head = /^\|[-+]?[ \t]*(?:#[^\r\n]*)?(\r?\n)/.exec(source);
  if (head === null) return undefined;
  const [whole, lineBreak = '\n'] = head;
  const indentation = /^(?:[ ]*\r?\n)*([ ]*)/.exec(source.slice(whole.length))?.[1]?.length ?? 0;
  if (indentation === 0) return undefined;
  const lines: string[] = [];
  const starts: number[] = [];
  for (let at = start + whole.length; at < end; ) {
    const next = file.indexOf('\n', at);
    const stop = next < 0 || next >= end ? end : next;
    const line = file.slice(at, stop).replace(/\r$/, '');
    lines.push(line.slice(indentation));
    starts.push(at + Math.min(indentation, line.length));
    at = stop + 1;
  }
  return { text: `${lines.join('\n')}\n`, starts, indentation, lineBreak };
}

/** An edit of that text as an edit of the file. */
export function insideLiteral({ text, starts, indentation, lineBreak }: LiteralText, edit: Edit): Edit | undefined {
  const place = (at: number): number | undefined => {
    const before = text.slice(0, at);
    const start = starts[before.split('\n').length - 1];
    return start === undefined ? undefined : start + (at - (before.lastIndexOf('\n') + 1));
  };
  const [start, end] = [place(edit.start), place(edit.end)];
  if (start === undefined || end === undefined) return undefined;
  return { start, end, text: edit.text.replaceAll('\n', lineBreak + ' '.repeat(indentation)) };
}
