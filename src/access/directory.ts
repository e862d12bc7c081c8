import { type Log, messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import { type GrantTable, grantTable, type Permission } from './grants/decide.ts';
import { type ScopeAccess, scopeAllows } from './grants/scope.ts';
import { listAccounts } from './store/accounts.ts';
import { ACCESS_CHANNEL, accessVersion } from './store/change.ts';
import { listGrants } from './store/grants.ts';
import { listKeys, type StoredKey } from './store/keys.ts';
import type { Account, Principal } from './types.ts';

/** Milliseconds between two looks at the version, should a notice be lost: the bound for a change to take effect. */
export const REFRESH_INTERVAL = 15_000;

/**
 * Accounts, grants and public keys as of the last change, in memory: deciding about a request asks no database.
 */
export interface Directory {
  /** Grows with each change that is seen; what was concluded under another one is to be concluded again. */
  generation(): number;
  hasAccounts(): boolean;
  account(name: string): Account | undefined;
  /** As of the last sign-in with the provider. */
  groupsOf(principal: Principal): readonly string[];
  key(kid: string): StoredKey | undefined;
  /** An account that is there, has not expired, and has not been signed out since. */
  isCurrent(principal: Principal, now: number): boolean;
  /** Grants, and the token's own limits. */
  allows(principal: Principal, permission: Permission): boolean;
  /** Reads again what has changed. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

interface State {
  readonly version: number;
  readonly accounts: ReadonlyMap<string, Account>;
  readonly keys: ReadonlyMap<string, StoredKey>;
  readonly grants: GrantTable;
  /** What was decided under these grants: many patterns need not be matched for every request. */
  readonly decisions: Map<string, boolean>;
}

/** Decisions kept; repositories times actions times who asks for them. */
const DECISIONS = 20_000;

function decided({ accounts, grants, decisions }: State, name: string, permission: Permission): boolean {
  const about = permission.kind === 'repository' ? `${permission.action} ${permission.repository}` : permission.kind;
  const key = `${name} ${about}`;
  const known = decisions.get(key);
  if (known !== undefined) return known;
  // Groups as of now, not as of when a token was signed.
  const answer = grants.allows({ name, groups: accounts.get(name)?.groups ?? [] }, permission);
  if (decisions.size >= DECISIONS) decisions.clear();
  decisions.set(key, answer);
  return answer;
}

export async function openDirectory(database: Database, log: Log): Promise<Directory> {
  let generation = 0;
  let state = await readState(database);
  let running: Promise<void> | undefined;
  let again = false;

  const load = async (): Promise<void> => {
    do {
      again = false;
      if ((await accessVersion(database.kysely)) === state.version) continue;
      state = await readState(database);
      generation += 1;
    } while (again);
  };
  const refresh = (): Promise<void> => {
    if (running !== undefined) {
      // What is under way may have read before the change that this call is about.
      again = true;
      return running;
    }
    running = load().finally(() => {
      running = undefined;
    });
    return running;
  };
  const quietly = (): void => {
    refresh().catch((error: unknown) => log.warn('accounts cannot be read again', { error: messageOf(error) }));
  };
  const stop = await database.listen(ACCESS_CHANNEL, quietly);
  const timer = setInterval(quietly, REFRESH_INTERVAL);
  timer.unref();

  return {
    generation: () => generation,
    hasAccounts: () => state.accounts.size > 0,
    account: (name) => state.accounts.get(name),
    key: (kid) => state.keys.get(kid),
    isCurrent(principal, now) {
      if (principal.account === undefined) return true;
      const found = state.accounts.get(principal.name);
      return found !== undefined && found.id === principal.account.id && isUsable(found, principal.account.stamp, now);
    },
    allows(principal, permission) {
      // A token is for what it was given out for; the grants may have shrunk since.
      if (principal.scopes !== undefined && !withinScopes(principal.scopes, permission)) return false;
      if (principal.kind === 'owner') return true;
      return decided(state, principal.name, permission);
    },
    groupsOf: ({ name, account }) => (account === undefined ? [] : (state.accounts.get(name)?.groups ?? [])),
    refresh,
    async close() {
      clearInterval(timer);
      await stop();
      await running?.catch(() => undefined);
    },
  };
}

function withinScopes(scopes: readonly ScopeAccess[], permission: Permission): boolean {
  if (permission.kind === 'catalog') return scopes.some(({ type }) => type === 'registry');
  return permission.kind === 'repository' && scopeAllows(scopes, permission.repository, permission.action);
}

function isUsable(account: Account, stamp: number, now: number): boolean {
  return account.stamp === stamp && (account.expires === undefined || account.expires > now);
}

async function readState(database: Database): Promise<State> {
  const { kysely } = database;
  // The version first: a change that comes while the rest is read is read again.
  const version = await accessVersion(kysely);
  const [accounts, grants, keys] = await Promise.all([listAccounts(kysely), listGrants(kysely), listKeys(kysely)]);
  return {
    version,
    accounts: new Map(accounts.map((account) => [account.name, account])),
    keys: new Map(keys.map((key) => [key.kid, key])),
    grants: grantTable(grants),
    decisions: new Map(),
  };
}
