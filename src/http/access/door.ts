import type { FastifyRequest } from 'fastify';
import {
  type Access,
  addressGroup,
  type IdentityProvider,
  NOBODY,
  type Permission,
  type Principal,
  parseAuthorization,
  type RateOptions,
  rateLimiter,
} from '../../access/index.ts';
import type { BindDecision } from '../bind.ts';
import { type Cookie, cookie } from './cookie.ts';

export interface DoorOptions {
  readonly access: Access;
  /** How clients reach the server, `https://registry.example.org`; else as the request's Host header says. */
  readonly url?: string;
  /** Requests of one account, or of one address without account. */
  readonly rate?: RateOptions;
  /** Served over TLS, by us or by a proxy before us. */
  readonly secure?: boolean;
  /** Somebody else who knows people. */
  readonly provider?: IdentityProvider;
}

/** Finds out whose request it is, and says what they may do. */
export interface Door {
  readonly access: Access | undefined;
  readonly session: Cookie;
  readonly secure: boolean;
  readonly provider: IdentityProvider | undefined;
  /** For what anybody may ask of us and costs others something. @throws ACCESS_RATE_LIMITED */
  throttle(request: FastifyRequest): void;
  /** Base of URLs that clients are sent to, without a slash at the end. */
  baseUrl(request: FastifyRequest): string;
  /** @throws ACCESS_CREDENTIALS_MALFORMED, ACCESS_CREDENTIALS_REFUSED, ACCESS_TOKEN_REFUSED, ACCESS_LOCKED, … */
  identify(request: FastifyRequest): Promise<Principal>;
  /** The one that `identify` found. */
  principalOf(request: FastifyRequest): Principal;
  allows(principal: Principal, permission: Permission): boolean;
  /** Whether who says nothing of themselves is to be asked. */
  asksForAccounts(): boolean;
}

/** Sign-ins at the provider that one address begins. */
const SLOW: RateOptions = { perSecond: 1, burst: 30 };

const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

export function createDoor(decision: BindDecision, options?: DoorOptions): Door {
  const access = options?.access;
  const limit = options?.rate === undefined ? undefined : rateLimiter(options.rate);
  const secure = options?.secure === true || options?.url?.startsWith('https:') === true;
  const session = cookie('heraklit', { secure, sameSite: 'Strict' });
  const principals = new WeakMap<FastifyRequest, Principal>();
  let closed = options?.provider !== undefined || access?.hasAccounts() === true;

  /** Open by default only until there is an account; then it stays closed, whatever becomes of the account. */
  const anonymous = (): BindDecision['anonymous'] => {
    if (decision.explicit === true) return decision.anonymous;
    closed ||= access?.hasAccounts() === true;
    return closed ? 'nothing' : decision.anonymous;
  };

  const recognise = async (request: FastifyRequest): Promise<Principal> => {
    const { authorization } = request.headers;
    if (access === undefined) return NOBODY;
    if (authorization === undefined) {
      const value = request.routeOptions.url?.startsWith('/v2') ? undefined : session.read(request);
      if (value === undefined || !isSameSite(request)) return NOBODY;
      return (await access.sessions.find(value)) ?? NOBODY;
    }
    return access.authenticate(parseAuthorization(authorization), request.ip);
  };

  const slow = rateLimiter(SLOW);
  return {
    access,
    session,
    secure,
    provider: options?.provider,
    throttle: (request) => slow(addressGroup(request.ip)),
    baseUrl(request) {
      if (options?.url !== undefined) return options.url.replace(/\/+$/, '');
      const host = HOST.test(request.host) ? request.host : 'localhost';
      return `${secure ? 'https' : request.protocol}://${host}`;
    },
    async identify(request) {
      let principal: Principal;
      try {
        principal = await recognise(request);
      } catch (error) {
        limit?.(`address ${addressGroup(request.ip)}`);
        throw error;
      }
      limit?.(principal.account === undefined ? `address ${addressGroup(request.ip)}` : `account ${principal.name}`);
      principals.set(request, principal);
      return principal;
    },
    principalOf: (request) => principals.get(request) ?? NOBODY,
    allows(principal, permission) {
      if (isOpenTo(anonymous(), permission)) return true;
      return access?.allows(principal, permission) === true;
    },
    asksForAccounts: () => anonymous() === 'nothing' || access?.hasAccounts() === true,
  };
}

/** Nobody without an account administers: on this machine the command line does, with the owner's key. */
function isOpenTo(anonymous: BindDecision['anonymous'], permission: Permission): boolean {
  if (anonymous === 'nothing' || permission.kind === 'admin') return false;
  if (anonymous === 'write') return true;
  return permission.kind === 'repository'
    ? permission.action === 'pull'
    : !['change', 'report'].includes(permission.kind);
}

/**
 * A cookie comes along with whatever a browser sends, so for anything that changes something the browser must say that
 * one of our own pages asks. SameSite=Strict says the same; this holds also for browsers that do not know it.
 */
function isSameSite(request: FastifyRequest): boolean {
  if (['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return true;
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (site !== undefined) return site === 'same-origin';
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === request.host;
}
