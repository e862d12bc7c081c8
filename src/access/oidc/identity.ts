import { accessError } from '../errors.ts';
import { isAccountName, isGroupName } from '../grants/name.ts';

/** Somebody whom an identity provider knows. */
export interface Identity {
  /** Issuer and subject: what stays the same when a name changes. */
  readonly subject: string;
  readonly name: string;
  readonly groups: readonly string[];
}

/** Groups of one person; more are left out. */
const MAX_GROUPS = 500;

/**
 * Reads claims. A name that is no account's name (upper case, blanks) is brought into form or refused: two people must
 * never become one.
 *
 * @throws ACCESS_OIDC_REFUSED
 */
export function identityOf(
  issuer: string,
  claims: Readonly<Record<string, unknown>>,
  { nameClaim, groupsClaim }: { readonly nameClaim: string; readonly groupsClaim: string },
): Identity {
  const { sub } = claims;
  const name = claims[nameClaim];
  if (typeof sub !== 'string' || sub === '') throw refused(`${issuer} names no subject`);
  if (typeof name !== 'string') throw refused(`${issuer} gives no ${nameClaim} for ${sub.slice(0, 100)}`);
  // Mail addresses that their provider did not check are whatever somebody typed.
  if (nameClaim === 'email' && claims.email_verified === false)
    throw refused(`the mail address ${name} is not verified`);
  const account = name.toLowerCase();
  if (!isAccountName(account)) throw refused(`${JSON.stringify(name.slice(0, 200))} cannot be the name of an account`);
  const listed = claims[groupsClaim];
  const groups = (Array.isArray(listed) ? listed : typeof listed === 'string' ? [listed] : [])
    .filter((group): group is string => typeof group === 'string' && isGroupName(group))
    .slice(0, MAX_GROUPS);
  return { subject: `${issuer}\n${sub}`, name: account, groups: [...new Set(groups)].sort() };
}

const refused = (why: string): Error =>
  accessError('ACCESS_OIDC_REFUSED', why, { hint: 'access.oidc.nameClaim says which claim is the name.' });
