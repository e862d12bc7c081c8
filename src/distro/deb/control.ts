import { distroError } from '../errors.ts';
import { Stanza } from './stanza.ts';

/** Largest control text read (the largest real index, unpacked, has 60 MiB). */
export const MAX_CONTROL_BYTES = 384 * 1024 * 1024;
/** Largest single stanza (the largest real ones, with long Provides, have 100 KiB). */
export const MAX_STANZA_BYTES = 4 * 1024 * 1024;

/** A stanza that was skipped, and why. */
export interface ControlProblem {
  /** Line number of the stanza's first line, from 1. */
  readonly line: number;
  readonly message: string;
}

export interface ControlOptions {
  /** True: the first broken stanza throws. False (default): it is skipped and told to `report`. */
  readonly strict?: boolean;
  /** What is being read, for messages. */
  readonly what?: string;
  readonly report?: (problem: ControlProblem) => void;
}

const NEWLINE = 10;

const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 13;

/** Decodes control text so that one character is one byte: nothing is lost, whatever encoding a maintainer used. */
export function controlText(bytes: Uint8Array, what = 'control text'): string {
  if (bytes.byteLength > MAX_CONTROL_BYTES) {
    throw distroError('DISTRO_CONTROL_LIMIT', `${what} has ${bytes.byteLength} bytes, more than ${MAX_CONTROL_BYTES}`);
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** First position at or after `from` that starts a line with something on it. */
export function skipBlankLines(text: string, from: number): number {
  let lineStart = from;
  for (let i = from; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === NEWLINE) lineStart = i + 1;
    else if (!isBlank(code)) return lineStart;
  }
  return text.length;
}

/** Position of the newline that ends the stanza starting at `from`, or the end of the text. */
export function stanzaEnd(text: string, from: number): number {
  let newline = text.indexOf('\n', from);
  while (newline >= 0) {
    let i = newline + 1;
    while (i < text.length && isBlank(text.charCodeAt(i))) i += 1;
    if (i >= text.length || text.charCodeAt(i) === NEWLINE) return newline;
    newline = text.indexOf('\n', i);
  }
  return text.length;
}

const lineAt = (text: string, offset: number): number => {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
};

/**
 * The stanzas of a deb822 text (control file, index, package database), in order; fields are looked up on demand.
 *
 * @throws DISTRO_CONTROL_INVALID in strict mode, DISTRO_CONTROL_LIMIT always
 * @see https://www.debian.org/doc/debian-policy/ch-controlfields.html#syntax-of-control-files
 */
export function* parseControl(bytes: Uint8Array, options: ControlOptions = {}): Generator<Stanza, void> {
  const what = options.what ?? 'control text';
  const text = controlText(bytes, what);
  for (let start = skipBlankLines(text, 0); start < text.length; ) {
    const end = stanzaEnd(text, start);
    if (end - start > MAX_STANZA_BYTES) {
      throw distroError('DISTRO_CONTROL_LIMIT', `a stanza of ${what} has ${end - start} bytes`);
    }
    const stanza = Stanza.fromText(text.slice(start, end));
    if (stanza instanceof Stanza) {
      if (stanza.size > 0) yield stanza;
    } else {
      const line = lineAt(text, start);
      const message = `${what}, line ${line + stanza.line}: ${stanza.problem}`;
      if (options.strict === true) throw distroError('DISTRO_CONTROL_INVALID', message);
      options.report?.({ line, message });
    }
    start = skipBlankLines(text, end + 1);
  }
}

/** The only stanza of a text such as a package's own control file. @throws DISTRO_CONTROL_INVALID */
export function parseSingleStanza(bytes: Uint8Array, what: string): Stanza {
  const [stanza, more] = parseControl(bytes, { strict: true, what });
  if (stanza === undefined) throw distroError('DISTRO_CONTROL_INVALID', `${what} is empty`);
  if (more !== undefined) throw distroError('DISTRO_CONTROL_INVALID', `${what} has more than one stanza`);
  return stanza;
}
