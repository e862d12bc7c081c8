import { NAME_LENGTH } from './limits.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const REFUSED = /[\u0000-\u001f\u007f\ud800-\udfff]/u;

/** A name or version as a file gives it, trimmed; undefined for anything that can be none. */
export function acceptedText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || text.length > NAME_LENGTH || REFUSED.test(text) ? undefined : text;
}

/** A JSON object's members; undefined for any other value. */
export function members(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

const BYTE_ORDER_MARK = 0xfeff;

/** Bytes as UTF-8, what is none replaced, without a byte order mark. */
export function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

/** Parses JSON. @throws with a short message that names no content */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(textOf(bytes));
  } catch {
    throw new Error('is no JSON');
  }
}
