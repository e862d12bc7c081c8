import { accessError } from '../errors.ts';
import { MAX_PASSWORD } from './password.ts';

/** What an Authorization header carries. */
export type Presented =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly name: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

/** Characters of a header; tokens with many scopes are long. */
const MAX_HEADER = 16_384;
const MAX_NAME = 256;

/**
 * Reads an Authorization header (RFC 7617, RFC 6750). An empty Basic pair is what clients send that have no
 * credentials; it counts as none.
 *
 * @throws ACCESS_CREDENTIALS_MALFORMED, which quotes nothing of it
 */
export function parseAuthorization(header: string | undefined): Presented {
  if (header === undefined || header === '') return { kind: 'none' };
  if (header.length > MAX_HEADER) throw malformed(`is longer than ${MAX_HEADER} characters`);
  const match = /^([A-Za-z]+) +([A-Za-z0-9._~+/-]+=*)$/.exec(header);
  const scheme = match?.[1]?.toLowerCase();
  const value = match?.[2] ?? '';
  if (scheme === 'bearer') return { kind: 'bearer', token: value };
  if (scheme === 'basic') return basic(value);
  throw malformed('is neither Basic nor Bearer credentials');
}

function basic(value: string): Presented {
  const bytes = Buffer.from(value, 'base64');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) throw malformed('is not base64');
  const text = bytes.toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0 || !Buffer.from(text).equals(bytes)) throw malformed('is not name:password in UTF-8');
  const name = text.slice(0, colon);
  const password = text.slice(colon + 1);
  if (name === '' && password === '') return { kind: 'none' };
  if (name.length > MAX_NAME || Buffer.byteLength(password) > MAX_PASSWORD) throw malformed('is too long');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 7617 forbids exactly these
  if (/[\x00-\x1f\x7f]/.test(text)) throw malformed('holds control characters');
  return { kind: 'basic', name, password };
}

const malformed = (why: string): Error =>
  accessError('ACCESS_CREDENTIALS_MALFORMED', `the Authorization header ${why}`);
