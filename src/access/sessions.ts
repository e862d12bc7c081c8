import type { Clock } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import { newTicket, secretHash } from './credentials/secret.ts';
import type { Directory } from './directory.ts';
import { principalOf } from './sign-in.ts';
import { deleteTicket, findTicket, insertTicket } from './store/tickets.ts';
import type { Principal } from './types.ts';

/** Milliseconds a browser stays signed in. */
export const SESSION_LIFETIME = 12 * 3_600_000;
/** Milliseconds for which a session is not looked up again: how long one that ended elsewhere still counts. */
const REMEMBER = 15_000;
const REMEMBERED = 10_000;

/** Signed-in browsers. The cookie holds 256 random bits, the database their hash. */
export interface Sessions {
  /** @returns the cookie's value */
  start(principal: Principal): Promise<string>;
  /** Undefined for one that does not exist, has ended, or whose account is gone. */
  find(cookie: string): Promise<Principal | undefined>;
  end(cookie: string): Promise<void>;
}

export function createSessions(database: Database, directory: Directory, clock: Clock): Sessions {
  const { kysely } = database;
  const remembered = new Map<string, { readonly principal: Principal; readonly until: number }>();
  const look = async (hash: string): Promise<Principal | undefined> => {
    const now = clock.now();
    const known = remembered.get(hash);
    if (known !== undefined && known.until > now) return known.principal;
    remembered.delete(hash);
    const ticket = await findTicket(kysely, 'session', hash, now);
    if (ticket === undefined) return undefined;
    const principal = principalOf(ticket.account);
    if (remembered.size >= REMEMBERED) remembered.delete(remembered.keys().next().value as string);
    remembered.set(hash, { principal, until: Math.min(now + REMEMBER, ticket.expires) });
    return principal;
  };
  return {
    async start({ account }) {
      if (account === undefined) throw new Error('a session is an account’s');
      const cookie = newTicket();
      const expires = clock.now() + SESSION_LIFETIME;
      await insertTicket(kysely, { hash: secretHash(cookie), kind: 'session', account, service: '', expires });
      return cookie;
    },
    async find(cookie) {
      if (!/^[A-Za-z0-9_-]{43}$/.test(cookie)) return undefined;
      const principal = await look(secretHash(cookie));
      return principal !== undefined && directory.isCurrent(principal, clock.now()) ? principal : undefined;
    },
    async end(cookie) {
      const hash = secretHash(cookie);
      remembered.delete(hash);
      await deleteTicket(kysely, hash);
    },
  };
}
