import { isDigest } from './digest.ts';
import { ociError } from './errors.ts';

/** A JSON object whose members are not known yet. */
export type Json = Readonly<Record<string, unknown>>;

/** image-spec and distribution-spec: registries accept manifests of up to 4 MiB. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** Nesting no honest manifest or config comes near. */
export const MAX_JSON_DEPTH = 32;

export function invalid(where: string, why: string): never {
  throw ociError('OCI_MANIFEST_INVALID', `${where}: ${why}`, {
    hint: 'The image is broken or not an OCI or Docker schema 2 image; pull it again or build it anew.',
  });
}

/** Parses bounded JSON into an object. @throws OCI_MANIFEST_TOO_LARGE, OCI_MANIFEST_INVALID */
export function parseObject(bytes: Uint8Array, where: string): Json {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw ociError('OCI_MANIFEST_TOO_LARGE', `${where} has ${bytes.length} bytes, more than ${MAX_MANIFEST_BYTES}`);
  }
  checkDepth(bytes, where);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw ociError('OCI_MANIFEST_INVALID', `${where} is not JSON`, { cause: error });
  }
  return object(value, where);
}

/** Counts brackets outside strings before parsing, so that no recursion meets hostile nesting. */
function checkDepth(bytes: Uint8Array, where: string): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > MAX_JSON_DEPTH) invalid(where, `nested deeper than ${MAX_JSON_DEPTH}`);
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
}

export function object(value: unknown, where: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) invalid(where, 'not an object');
  return value as Json;
}

/** Go writes an empty list as null. */
export function list(value: unknown, where: string, limit: number): readonly unknown[] {
  if (value === null) return [];
  if (!Array.isArray(value)) invalid(where, 'not a list');
  if (value.length > limit) invalid(where, `has ${value.length} items, more than ${limit}`);
  return value;
}

export function text(value: unknown, where: string): string {
  if (typeof value !== 'string') invalid(where, 'not a text');
  return value;
}

export function texts(value: unknown, where: string, limit: number): readonly string[] {
  return list(value, where, limit).map((item, index) => text(item, `${where}[${index}]`));
}

export function textMap(value: unknown, where: string): void {
  for (const [key, item] of Object.entries(object(value, where))) text(item, `${where}.${key}`);
}

export function digest(value: unknown, where: string): void {
  if (typeof value !== 'string' || !isDigest(value)) invalid(where, 'not a sha256 or sha512 digest');
}

export function size(value: unknown, where: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) invalid(where, 'not a size in bytes');
}

/** The object without members that are null: Go writes absent optional members so. */
export function withoutNulls(value: Json): Json {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

/** Checks the members that are there. */
export function optional(
  value: Json,
  where: string,
  checks: Readonly<Record<string, (member: unknown, where: string) => void>>,
): void {
  for (const [key, check] of Object.entries(checks)) {
    if (value[key] !== undefined) check(value[key], `${where}.${key}`);
  }
}
