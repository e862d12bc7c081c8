import { timingSafeEqual } from 'node:crypto';
import { type Clock, type Home, type Log, messageOf, silentLog, systemClock } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import { type AccessAdmin, checked, createAdmin } from './admin.ts';
import type { Presented } from './credentials/header.ts';
import type { PasswordCost } from './credentials/password.ts';
import { isSecret, newTicket, secretHash } from './credentials/secret.ts';
import { openDirectory } from './directory.ts';
import { accessError } from './errors.ts';
import type { Grant, Permission } from './grants/decide.ts';
import { grantedPart, type ScopeAccess } from './grants/scope.ts';
import { admitIdentity } from './oidc/admit.ts';
import type { Identity } from './oidc/identity.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createSignIn, principalOf } from './sign-in.ts';
import { type AuditEntry, forgetAudit } from './store/audit.ts';
import { createAuditBuffer } from './store/audit-buffer.ts';
import { changeAccess } from './store/change.ts';
import { forgetFailures } from './store/failures.ts';
import { replaceFleetGrants } from './store/grants.ts';
import { deleteExpiredTickets, deleteTicket, findTicket, insertTicket } from './store/tickets.ts';
import { openKeys } from './tokens/keys.ts';
import { createTokens, TOKEN_LIFETIME } from './tokens/tokens.ts';
import { type Actor, NOBODY, OWNER, type Principal } from './types.ts';

/** Milliseconds a refresh token lives; `docker login` keeps one. */
const REFRESH_LIFETIME = 90 * 24 * 3_600_000;
const CLEANING_INTERVAL = 3_600_000;
const DEFAULT_AUDIT_DAYS = 365;

export interface AccessOptions {
  readonly database: Database;
  readonly home: Home;
  /** Grants that a fleet file declares. */
  readonly grants?: readonly Grant[];
  /** Days after which entries of the audit log are removed; 0 keeps them all. */
  readonly auditDays?: number;
  /** Who shows this may everything: for the command line and the engine of the same home. */
  readonly ownerKey?: string;
  readonly cost?: PasswordCost;
  readonly clock?: Clock;
  readonly log?: Log;
}

export interface OwnPassword {
  readonly name: string;
  readonly current: string;
  readonly password: string;
}

export interface IssuedToken {
  readonly token: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly issuedAt: string;
  readonly refreshToken?: string;
}

/** Who somebody is, what they may do, and what they did. */
export interface Access {
  /** Names this database: who gives out tokens, and whom they are for. */
  readonly service: string;
  readonly sessions: Sessions;
  hasAccounts(): boolean;
  /**
   * Whose request it is. A token or cached password costs no query.
   * @throws ACCESS_CREDENTIALS_REFUSED, ACCESS_TOKEN_REFUSED, ACCESS_LOCKED, ACCESS_BUSY
   */
  authenticate(presented: Presented, address: string): Promise<Principal>;
  /**
   * A person's own new password: tokens and sessions of the old one end. A secret is no proof of being that person: whoever
   * found one that ends soon would have the account for good.
   * @throws ACCESS_CREDENTIALS_REFUSED, ACCESS_PASSWORD_REFUSED, ACCESS_LOCKED, ACCESS_BUSY
   */
  changePassword(own: OwnPassword, address: string): Promise<Principal>;
  allows(principal: Principal, permission: Permission): boolean;
  /** Groups of the account behind it, as the identity provider said last; none where there is no account. */
  groupsOf(principal: Principal): readonly string[];
  /** @throws ACCESS_DENIED */
  require(principal: Principal, permission: Permission): void;
  /** A token for the part of the scopes that the grants allow; with `offline`, a refresh token too. */
  issueToken(principal: Principal, scopes: readonly ScopeAccess[], offline: boolean): Promise<IssuedToken>;
  /** @throws ACCESS_TOKEN_REFUSED */
  redeemRefreshToken(refreshToken: string): Promise<Principal>;
  revokeRefreshToken(refreshToken: string): Promise<void>;
  /** Written within a second, with others; what belongs to a transaction goes there by `writeAudit`. */
  note(entry: AuditEntry): void;
  /** The account of somebody whom the identity provider knows. @throws ACCESS_OIDC_REFUSED */
  admit(identity: Identity, address: string): Promise<Principal>;
  admin(actor: Actor): AccessAdmin;
  close(): Promise<void>;
}

/** Opens the accounts of a home. @throws ACCESS_KEY_BROKEN; ACCESS_PATTERN_INVALID, … of the fleet file's grants */
export async function openAccess(options: AccessOptions): Promise<Access> {
  const { database, home, clock = systemClock, log = silentLog } = options;
  const { kysely } = database;
  await changeAccess(database, (trx) => replaceFleetGrants(trx, (options.grants ?? []).map(checked)));
  const directory = await openDirectory(database, log);
  const keys = await openKeys(home, database, directory, clock);
  const row = await kysely.selectFrom('metadata').select('value').where('key', '=', 'home').executeTakeFirstOrThrow();
  const service = `heraklit/${row.value}`;
  const tokens = createTokens(service, keys, clock);
  const signIn = createSignIn({
    database,
    directory,
    clock,
    log,
    ...(options.cost === undefined ? {} : { cost: options.cost }),
  });
  const sessions = createSessions(database, directory, clock);

  const notes = createAuditBuffer(database, log);

  const clean = async (): Promise<void> => {
    const now = clock.now();
    await deleteExpiredTickets(kysely, now);
    await forgetFailures(kysely, now);
    await forgetAudit(kysely, options.auditDays ?? DEFAULT_AUDIT_DAYS, now);
  };
  const cleaning = setInterval(() => {
    clean().catch((error: unknown) => log.warn('old entries are not removed', { error: messageOf(error) }));
  }, CLEANING_INTERVAL);
  cleaning.unref();
  await clean();

  const owner = options.ownerKey === undefined ? undefined : secretHash(options.ownerKey);
  const isOwner = (presented: Exclude<Presented, { kind: 'none' }>): boolean => {
    if (owner === undefined) return false;
    if (presented.kind === 'basic' && presented.name !== OWNER.name) return false;
    const shown = secretHash(presented.kind === 'basic' ? presented.password : presented.token);
    return timingSafeEqual(Buffer.from(shown), Buffer.from(owner));
  };

  const current = (principal: Principal): Principal => {
    if (directory.isCurrent(principal, clock.now())) return principal;
    throw accessError('ACCESS_TOKEN_REFUSED', 'the account has been removed, has expired or was signed out');
  };

  const access: Access = {
    service,
    sessions,
    hasAccounts: () => directory.hasAccounts(),
    async authenticate(presented, address) {
      if (presented.kind === 'none') return NOBODY;
      if (isOwner(presented)) return OWNER;
      if (presented.kind === 'basic') return signIn.withPassword(presented.name, presented.password, address);
      if (isSecret(presented.token)) return signIn.withSecret(presented.token);
      const verified = tokens.verify(presented.token);
      return current(verified instanceof Promise ? await verified : verified);
    },
    async changePassword({ name, current: old, password }, address) {
      const { kind } = isSecret(old) ? NOBODY : await signIn.withPassword(name, old, address);
      if (kind !== 'person') throw accessError('ACCESS_CREDENTIALS_REFUSED', `that is not the password of ${name}`);
      await access.admin({ name, address }).setPassword(name, password);
      return signIn.withPassword(name, password, address);
    },
    allows: (principal, permission) => directory.allows(principal, permission),
    groupsOf: (principal) => directory.groupsOf(principal),
    require(principal, permission) {
      if (directory.allows(principal, permission)) return;
      const what =
        permission.kind === 'repository'
          ? `${permission.action} ${permission.repository}`
          : `do what needs ${permission.kind}`;
      throw accessError('ACCESS_DENIED', `${principal.name} may not ${what}`);
    },
    async issueToken(principal, scopes, offline) {
      const granted = grantedPart(scopes, (repository, action) =>
        directory.allows(principal, { kind: 'repository', repository, action }),
      );
      const { account } = principal;
      const token = await tokens.sign(principal, granted);
      const issued = { token, expiresIn: TOKEN_LIFETIME, issuedAt: new Date(clock.now()).toISOString() };
      if (!offline || account === undefined) return issued;
      const refreshToken = newTicket();
      const expires = clock.now() + REFRESH_LIFETIME;
      await insertTicket(kysely, { hash: secretHash(refreshToken), kind: 'refresh', account, service, expires });
      return { ...issued, refreshToken };
    },
    async redeemRefreshToken(refreshToken) {
      const ticket = await findTicket(kysely, 'refresh', secretHash(refreshToken), clock.now());
      if (ticket === undefined || ticket.service !== service) {
        throw accessError('ACCESS_TOKEN_REFUSED', 'the refresh token is not valid (any more)', {
          hint: 'Sign in again.',
        });
      }
      return current(principalOf(ticket.account));
    },
    revokeRefreshToken: (refreshToken) => deleteTicket(kysely, secretHash(refreshToken)),
    note: notes.add,
    admit: (identity, address) => admitIdentity(database, directory, identity, address),
    admin: (actor) =>
      createAdmin({
        database,
        directory,
        keys: async () => keys,
        actor,
        clock,
        ...(options.cost === undefined ? {} : { cost: options.cost }),
      }),
    async close() {
      clearInterval(cleaning);
      await notes.close();
      await directory.close();
    },
  };
  return access;
}

/** Only what changes accounts, for a process that serves nothing; the fleet file's grants stay as they are. */
export async function openAdmin(options: Pick<AccessOptions, 'database' | 'home' | 'log'>): Promise<{
  readonly admin: AccessAdmin;
  close(): Promise<void>;
}> {
  const { database, home, log = silentLog } = options;
  const clock = systemClock;
  const directory = await openDirectory(database, log);
  const keys = openKeys.bind(undefined, home, database, directory, clock);
  const actor = { name: OWNER.name };
  return { admin: createAdmin({ database, directory, keys, actor, clock }), close: () => directory.close() };
}
