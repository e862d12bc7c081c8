import { createHmac, randomBytes } from 'node:crypto';
import type { Clock, Log } from '../base/index.ts';
import { messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import { waitOf } from './credentials/lockout.ts';
import { hashPassword, PASSWORD_COST, type PasswordCost, verifyPassword } from './credentials/password.ts';
import { boundedQueue } from './credentials/queue.ts';
import { isSecret, secretHash } from './credentials/secret.ts';
import type { Directory } from './directory.ts';
import { accessError } from './errors.ts';
import { readPassword, touchAccount, writePassword } from './store/accounts.ts';
import { addFailure, clearFailures, failureKey, readFailures } from './store/failures.ts';
import { findSecret, touchSecret } from './store/secrets.ts';
import type { Account, Principal } from './types.ts';

/** Milliseconds for which a right password is not hashed again. */
export const REMEMBER = 5 * 60_000;
const REMEMBERED = 10_000;
/** Milliseconds between two notes that an account was used. */
const TOUCH_INTERVAL = 5 * 60_000;
/** Of the four threads of libuv, which files and compression need too. */
const HASHING_AT_ONCE = 2;
const WAITING = 64;

/** In the audit log, for a name without account. */
const UNKNOWN = '(unknown)';

/** Names and passwords, robots' secrets. */
export interface SignIn {
  /** @throws ACCESS_CREDENTIALS_REFUSED, ACCESS_LOCKED, ACCESS_BUSY */
  withPassword(name: string, password: string, address: string): Promise<Principal>;
  /** A secret alone, as a bearer token: it names its account. @throws ACCESS_CREDENTIALS_REFUSED */
  withSecret(secret: string): Promise<Principal>;
}

export interface SignInOptions {
  readonly database: Database;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly log: Log;
  readonly cost?: PasswordCost;
}

interface Remembered {
  readonly principal: Principal;
  readonly generation: number;
  readonly until: number;
}

export function createSignIn(options: SignInOptions): SignIn {
  const { database, directory, clock, log, cost = PASSWORD_COST } = options;
  const { kysely } = database;
  // Keyed, so that what is in memory is no list of hashes to try passwords against.
  const key = randomBytes(32);
  const remembered = new Map<string, Remembered>();
  const hashing = boundedQueue(HASHING_AT_ONCE, WAITING);
  const turns = new Map<string, Promise<unknown>>();
  const touched = new Map<string, number>();

  const recall = (mark: string): Principal | undefined => {
    const found = remembered.get(mark);
    if (found === undefined) return undefined;
    const now = clock.now();
    const good = found.until > now && found.generation === directory.generation();
    if (good && directory.isCurrent(found.principal, now)) return found.principal;
    remembered.delete(mark);
    return undefined;
  };
  const remember = (mark: string, principal: Principal, expires: number | undefined): void => {
    if (remembered.size >= REMEMBERED) remembered.delete(remembered.keys().next().value as string);
    const until = Math.min(clock.now() + REMEMBER, expires ?? Number.POSITIVE_INFINITY);
    remembered.set(mark, { principal, generation: directory.generation(), until });
  };
  const touch = (what: string, note: (now: number) => Promise<void>): void => {
    const now = clock.now();
    if ((touched.get(what) ?? Number.NEGATIVE_INFINITY) > now - TOUCH_INTERVAL) return;
    touched.set(what, now);
    note(now).catch((error: unknown) => log.warn('last use is not noted', { error: messageOf(error) }));
  };

  /** The account of a secret, or of a password; undefined when they do not belong together. Fails as slowly as it can. */
  const check = async (name: string, password: string): Promise<{ account: Account; expires?: number } | undefined> => {
    const now = clock.now();
    if (isSecret(password)) {
      const found = await findSecret(kysely, secretHash(password));
      if (
        found !== undefined &&
        found.account.name === name &&
        isLive(found.expires, now) &&
        isLive(found.account.expires, now)
      ) {
        touch(`secret ${found.id}`, (time) => touchSecret(kysely, found.id, time));
        return { account: found.account, ...(found.expires === undefined ? {} : { expires: found.expires }) };
      }
    }
    const stored = await readPassword(kysely, name);
    const { right, outgrown } = await hashing(() => verifyPassword(password, stored?.password, cost));
    if (!right || stored === undefined || !isLive(stored.account.expires, now)) return undefined;
    if (outgrown) {
      const better = await hashing(() => hashPassword(password, cost));
      await database.transaction((trx) => writePassword(trx, name, better, 'rehashed'));
    }
    return { account: stored.account };
  };

  const checkLimited = async (name: string, password: string, address: string, mark: string): Promise<Principal> => {
    const row = failureKey(name, address);
    const failures = await readFailures(kysely, row);
    const wait = waitOf(failures, clock.now());
    if (wait > 0) throw locked(wait);
    // Somebody asked the same a moment ago and waited for the same turn.
    const known = recall(mark);
    if (known !== undefined) return known;
    const found = await check(name, password);
    if (found === undefined) {
      // What is no name of ours may be a password in the wrong field.
      const actor = directory.account(name)?.name ?? UNKNOWN;
      const entry = { actor, action: 'sign-in', address, result: 'denied' } as const;
      const after = await addFailure(database, row, clock.now(), entry);
      log.warn('wrong name or password', { address, tries: after.count });
      throw refused();
    }
    if (failures !== undefined) await clearFailures(kysely, row);
    const principal = principalOf(found.account);
    touch(`account ${found.account.id}`, (time) => touchAccount(kysely, found.account.id, time));
    remember(mark, principal, earlier(found.expires, found.account.expires));
    return principal;
  };

  return {
    async withPassword(name, password, address) {
      const mark = createHmac('sha256', key).update(`${name}\0${password}`).digest('base64');
      const known = recall(mark);
      if (known !== undefined) return known;
      // One at a time for a name and an address: parallel guesses cannot all slip in before the first one counts.
      const turn = failureKey(name, address);
      const before = turns.get(turn) ?? Promise.resolve();
      const own = before.catch(() => undefined).then(() => checkLimited(name, password, address, mark));
      turns.set(turn, own);
      try {
        return await own;
      } finally {
        if (turns.get(turn) === own) turns.delete(turn);
      }
    },

    async withSecret(secret) {
      const hash = secretHash(secret);
      const mark = `secret ${hash}`;
      const known = recall(mark);
      if (known !== undefined) return known;
      const now = clock.now();
      const found = isSecret(secret) ? await findSecret(kysely, hash) : undefined;
      if (found === undefined || !isLive(found.expires, now) || !isLive(found.account.expires, now)) throw refused();
      touch(`secret ${found.id}`, (time) => touchSecret(kysely, found.id, time));
      touch(`account ${found.account.id}`, (time) => touchAccount(kysely, found.account.id, time));
      const principal = principalOf(found.account);
      remember(mark, principal, earlier(found.expires, found.account.expires));
      return principal;
    },
  };
}

export const principalOf = (account: Account): Principal => ({
  kind: account.kind,
  name: account.name,
  account: { id: account.id, stamp: account.stamp },
});

const isLive = (expires: number | undefined, now: number): boolean => expires === undefined || expires > now;

const earlier = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);

const refused = (): Error =>
  accessError('ACCESS_CREDENTIALS_REFUSED', 'name and password do not belong together, or the account has expired');

function locked(wait: number): Error {
  const retryAfter = Math.max(1, Math.ceil(wait / 1_000));
  return accessError('ACCESS_LOCKED', 'too many wrong passwords for this account from this address', {
    hint: `Try again in ${retryAfter} s.`,
    details: { retryAfter },
  });
}
