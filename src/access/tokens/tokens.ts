import { randomUUID } from 'node:crypto';
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../base/index.ts';
import { accessError } from '../errors.ts';
import type { ScopeAccess } from '../grants/scope.ts';
import { type AccountKind, NOBODY, OWNER, type Principal } from '../types.ts';
import type { Keys } from './keys.ts';

/** Seconds a token lives. */
export const TOKEN_LIFETIME = 300;
/** Seconds by which the clocks of two of our servers may differ. */
const LEEWAY = 30;
/** Characters; a token of ours with 64 scopes is shorter. */
const MAX_TOKEN = 16_000;
/** Tokens whose signature was found right, remembered until they expire. */
const VERIFIED = 10_000;

/** Short-lived tokens, signed by this server and checked by any server of the database. */
export interface Tokens {
  sign(principal: Principal, scopes: readonly ScopeAccess[]): Promise<string>;
  /** Whose token it is and for what; whether the account still counts is not asked. @throws ACCESS_TOKEN_REFUSED */
  verify(token: string): Promise<Principal> | Principal;
}

interface Claims extends JWTPayload {
  readonly access: readonly ScopeAccess[];
  readonly owner?: true;
  /** Absent in a token for nobody in particular. */
  readonly account?: {
    readonly kind: AccountKind;
    readonly id: number;
    readonly stamp: number;
  };
}

/**
 * JWT as the distribution project's token specification has them, signed with Ed25519.
 *
 * @param service who gives tokens out and whom they are for: `iss` and `aud`
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export function createTokens(service: string, keys: Keys, clock: Clock): Tokens {
  const verified = new Map<string, { readonly principal: Principal; readonly expires: number }>();

  const check = async (token: string): Promise<Principal> => {
    if (token.length > MAX_TOKEN) throw refused('is too long');
    let payload: Claims;
    try {
      const result = await jwtVerify<Claims>(
        token,
        ({ kid }) => {
          const key = typeof kid === 'string' ? keys.byId(kid) : undefined;
          if (key === undefined) throw new Error('signed with a key that is not ours');
          return key;
        },
        {
          algorithms: ['EdDSA'],
          typ: 'JWT',
          issuer: service,
          audience: service,
          clockTolerance: LEEWAY,
          currentDate: new Date(clock.now()),
          requiredClaims: ['sub', 'exp', 'nbf', 'iat', 'jti', 'access'],
        },
      );
      payload = result.payload;
    } catch (error) {
      throw refused((error as { code?: string }).code === 'ERR_JWT_EXPIRED' ? 'has expired' : 'is not valid here');
    }
    const principal = principalOf(payload);
    if (verified.size >= VERIFIED) verified.delete(verified.keys().next().value as string);
    verified.set(token, { principal, expires: ((payload.exp as number) + LEEWAY) * 1_000 });
    return principal;
  };

  return {
    async sign(principal, scopes) {
      const { kid, key } = await keys.current();
      const now = Math.floor(clock.now() / 1_000);
      const { account, kind } = principal;
      const claims = {
        access: scopes,
        ...(kind === 'owner' ? { owner: true } : {}),
        ...(account === undefined ? {} : { account: { kind, ...account } }),
      };
      return new SignJWT(claims as unknown as JWTPayload)
        .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid })
        .setIssuer(service)
        .setAudience(service)
        .setSubject(account === undefined ? '' : principal.name)
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(now + TOKEN_LIFETIME)
        .setJti(randomUUID())
        .sign(key);
    },
    verify(token) {
      const known = verified.get(token);
      if (known === undefined) return check(token);
      if (known.expires > clock.now()) return known.principal;
      verified.delete(token);
      throw refused('has expired');
    },
  };
}

function principalOf({ sub, account, access, owner }: Claims): Principal {
  if (owner === true) return { ...OWNER, scopes: access };
  if (account === undefined || sub === undefined || sub === '') return { ...NOBODY, scopes: access };
  const { kind, id, stamp } = account;
  return { kind, name: sub, account: { id, stamp }, scopes: access };
}

const refused = (why: string): Error =>
  accessError('ACCESS_TOKEN_REFUSED', `the token ${why}`, { hint: 'Ask for a new one, or sign in again.' });
