import { accessError } from '../errors.ts';
import { ANONYMOUS, GROUP } from './decide.ts';

/** Names of people may be mail addresses. No colon: in Basic credentials it ends the name (RFC 7617). */
const ACCOUNT = /^[a-z0-9](?:[a-z0-9._@+-]{0,126}[a-z0-9])?$/;
/** Groups come from an identity provider: printable ASCII. */
const GROUP_NAME = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;
/** Names that stand for something else in grants and the audit log. */
const RESERVED: ReadonlySet<string> = new Set([ANONYMOUS, 'owner', 'heraklit']);

export const isAccountName = (text: string): boolean => ACCOUNT.test(text) && !RESERVED.has(text);

/** @throws ACCESS_NAME_INVALID */
export function accountName(text: string): string {
  if (isAccountName(text)) return text;
  throw accessError('ACCESS_NAME_INVALID', `not a name for an account: ${JSON.stringify(text.slice(0, 200))}`, {
    hint: `Lower case letters, digits and . _ - + @ inside, at most 128; not ${[...RESERVED].join(', ')}.`,
  });
}

/** Whom a grant may be to. @throws ACCESS_NAME_INVALID */
export function granteeName(text: string): string {
  if (text === ANONYMOUS) return text;
  if (!text.startsWith(GROUP)) return accountName(text);
  if (isGroupName(text.slice(GROUP.length))) return text;
  throw accessError('ACCESS_NAME_INVALID', `not a name for a group: ${JSON.stringify(text.slice(0, 300))}`);
}

export const isGroupName = (text: string): boolean => GROUP_NAME.test(text);
