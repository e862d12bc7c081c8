import { invalid, MAX_DEPTH, MAX_DOCUMENT_BYTES, overLimit } from './limits.ts';
import type { Bytes } from './types.ts';

/** A JSON object whose members are not known yet. */
export type Json = Readonly<Record<string, unknown>>;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Brackets outside strings, counted before parsing: no recursion of ours ever meets hostile nesting. */
export function checkDepth(bytes: Uint8Array, what: string): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > MAX_DEPTH) throw overLimit(what, 'nesting', MAX_DEPTH);
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
}

/** @throws ADVISORY_LIMIT, ADVISORY_INVALID */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  checkDepth(bytes, what);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(what, 'is not JSON', error);
  }
}

/** All of a document in memory. @throws ADVISORY_LIMIT */
export async function readWhole(bytes: Bytes, what: string, limit = MAX_DOCUMENT_BYTES): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > limit) throw overLimit(what, 'the document (bytes)', limit);
    // A stream may use its chunk's memory again.
    chunks.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(chunks);
}

/** A whole JSON document, which must be an object. */
export async function readObject(bytes: Bytes, what: string): Promise<Json> {
  const value = record(parseJson(await readWhole(bytes, what), what));
  if (value === undefined) throw invalid(what, 'is not a JSON object');
  return value;
}

export function record(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** An object, an empty one where it is something else. */
export const recordOr = (value: unknown): Json => record(value) ?? {};

/** A list, an empty one where it is something else. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The objects of a list; whatever else it holds is passed over. */
export const recordsOf = (value: unknown): readonly Json[] =>
  listOf(value)
    .map(record)
    .filter((item) => item !== undefined);

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
