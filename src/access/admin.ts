import type { Clock } from '../base/index.ts';
import type { Database, DatabaseTransaction } from '../database/index.ts';
import { checkNewPassword, hashPassword, PASSWORD_COST, type PasswordCost } from './credentials/password.ts';
import { newSecret, secretHash } from './credentials/secret.ts';
import type { Directory } from './directory.ts';
import { accessError } from './errors.ts';
import type { Grant } from './grants/decide.ts';
import { accountName, granteeName } from './grants/name.ts';
import { repositoryPattern } from './grants/pattern.ts';
import { isServerRole, roleOf } from './grants/roles.ts';
import { deleteAccount, insertAccount, listAccounts, raiseStamp, writePassword } from './store/accounts.ts';
import { type AuditPage, type AuditQuery, readAudit, writeAudit } from './store/audit.ts';
import { changeAccess } from './store/change.ts';
import { deleteGrant, insertGrant, listGrants, type StoredGrant } from './store/grants.ts';
import { deleteSecret, deleteSecrets, insertSecret, listSecrets, type SecretInfo } from './store/secrets.ts';
import type { Keys } from './tokens/keys.ts';
import type { Account, Actor } from './types.ts';

export interface AccountInfo extends Omit<Account, 'id' | 'stamp'> {
  readonly secrets: readonly Omit<SecretInfo, 'account'>[];
  readonly grants: readonly StoredGrant[];
}

export interface Accounts {
  readonly accounts: readonly AccountInfo[];
  /** Of groups, of everybody, and of names that have no account (yet). */
  readonly otherGrants: readonly StoredGrant[];
}

export interface NewSecret {
  readonly id: number;
  /** Shown this once. */
  readonly secret: string;
}

/** Milliseconds since the epoch, undefined for never. */
type Expiry = { readonly expires?: number | undefined };

/** Changes accounts. Each change is in the audit log with who made it, in the same transaction. */
export interface AccessAdmin {
  list(): Promise<Accounts>;
  /** @throws ACCESS_NAME_INVALID, ACCESS_PASSWORD_REFUSED, ACCESS_ACCOUNT_EXISTS, ACCESS_EXPIRY_INVALID */
  addPerson(added: { readonly name: string; readonly password: string } & Expiry): Promise<void>;
  /** @throws ACCESS_NAME_INVALID, ACCESS_ACCOUNT_EXISTS, ACCESS_EXPIRY_INVALID */
  addRobot(added: { readonly name: string } & Expiry): Promise<NewSecret>;
  /** One more secret; with `replace` all others end. @throws ACCESS_ACCOUNT_UNKNOWN, ACCESS_EXPIRY_INVALID */
  addSecret(name: string, secret: { readonly label?: string; readonly replace?: boolean } & Expiry): Promise<NewSecret>;
  /** @throws ACCESS_ACCOUNT_UNKNOWN */
  removeSecret(name: string, id: number): Promise<void>;
  /** @throws ACCESS_ACCOUNT_UNKNOWN */
  remove(name: string): Promise<void>;
  /** @throws ACCESS_ACCOUNT_UNKNOWN, ACCESS_PASSWORD_REFUSED */
  setPassword(name: string, password: string): Promise<void>;
  /** Tokens, refresh tokens and sessions of the account end now. @throws ACCESS_ACCOUNT_UNKNOWN */
  signOut(name: string): Promise<void>;
  /** @throws ACCESS_NAME_INVALID, ACCESS_ROLE_INVALID, ACCESS_PATTERN_INVALID */
  grant(grant: { readonly to: string; readonly role: string; readonly on: string }): Promise<void>;
  /** @throws ACCESS_GRANT_UNKNOWN, … */
  revoke(grant: { readonly to: string; readonly role: string; readonly on: string }): Promise<void>;
  rotateKeys(): Promise<void>;
  audit(query: AuditQuery): Promise<AuditPage>;
}

export interface AdminOptions {
  readonly database: Database;
  readonly directory: Directory;
  /** Opened only where they are needed: opening makes them. */
  readonly keys: () => Promise<Keys>;
  readonly actor: Actor;
  readonly clock: Clock;
  readonly cost?: PasswordCost;
}

export function createAdmin({
  database,
  directory,
  keys,
  actor,
  clock,
  cost = PASSWORD_COST,
}: AdminOptions): AccessAdmin {
  const { kysely } = database;
  /** Change and audit entry commit together, and this process knows at once. */
  const change = async <T>(
    action: string,
    reference: string,
    work: (trx: DatabaseTransaction) => Promise<T>,
    detail?: string,
  ): Promise<T> => {
    const result = await changeAccess(database, async (trx) => {
      const done = await work(trx);
      await writeAudit(trx, [{ actor: actor.name, address: actor.address, action, reference, result: 'done', detail }]);
      return done;
    });
    await directory.refresh();
    return result;
  };
  const expiryOf = (expires: number | undefined): number | undefined => {
    if (expires === undefined || (Number.isSafeInteger(expires) && expires > clock.now())) return expires;
    throw accessError('ACCESS_EXPIRY_INVALID', 'an expiry must be a time to come');
  };
  const addSecret = async (
    trx: DatabaseTransaction,
    name: string,
    label: string,
    expires: number | undefined,
  ): Promise<NewSecret> => {
    const secret = newSecret();
    return { id: await insertSecret(trx, name, { hash: secretHash(secret), label, expires }), secret };
  };

  return {
    async list() {
      const [accounts, secrets, grants] = await Promise.all([
        listAccounts(kysely),
        listSecrets(kysely),
        listGrants(kysely),
      ]);
      const names = new Set(accounts.map(({ name }) => name));
      return {
        accounts: accounts.map(({ id: _id, stamp: _stamp, ...account }) => ({
          ...account,
          secrets: secrets.filter((one) => one.account === account.name).map(({ account: _account, ...one }) => one),
          grants: grants.filter(({ to }) => to === account.name),
        })),
        otherGrants: grants.filter(({ to }) => !names.has(to)),
      };
    },
    async addPerson({ name, password, expires }) {
      checkNewPassword(accountName(name), password);
      const until = expiryOf(expires);
      const stored = await hashPassword(password, cost);
      await change('account.add', name, async (trx) => {
        await insertAccount(trx, { name, kind: 'person', password: stored, expires: until });
      });
    },
    async addRobot({ name, expires }) {
      accountName(name);
      const until = expiryOf(expires);
      return change(
        'account.add',
        name,
        async (trx) => {
          await insertAccount(trx, { name, kind: 'robot', expires: until });
          return addSecret(trx, name, 'first', until);
        },
        'robot',
      );
    },
    async addSecret(name, { label = '', replace = false, expires }) {
      const until = expiryOf(expires);
      return change(replace ? 'secret.replace' : 'secret.add', name, async (trx) => {
        if (replace) {
          await deleteSecrets(trx, name);
          await raiseStamp(trx, name);
        }
        return addSecret(trx, name, label.slice(0, 100), until);
      });
    },
    async removeSecret(name, id) {
      await change(
        'secret.remove',
        name,
        async (trx) => {
          if (await deleteSecret(trx, name, id)) return;
          throw accessError('ACCESS_ACCOUNT_UNKNOWN', `there is no account ${name} with a secret ${id}`);
        },
        `secret ${id}`,
      );
    },
    remove: (name) => change('account.remove', name, (trx) => deleteAccount(trx, name)),
    async setPassword(name, password) {
      checkNewPassword(name, password);
      const stored = await hashPassword(password, cost);
      await change('account.password', name, (trx) => writePassword(trx, name, stored, 'new'));
    },
    signOut: (name) => change('account.sign-out', name, (trx) => raiseStamp(trx, name)),
    async grant(asked) {
      const grant = checked(asked);
      await change('grant.add', grant.to, (trx) => insertGrant(trx, grant), `${grant.role} on ${grant.on}`);
    },
    async revoke(asked) {
      const grant = checked(asked);
      await change('grant.remove', grant.to, (trx) => deleteGrant(trx, grant), `${grant.role} on ${grant.on}`);
    },
    async rotateKeys() {
      await (await keys()).rotate();
      await change('key.rotate', '', async () => undefined);
    },
    audit: (query) => readAudit(kysely, query),
  };
}

/** @throws ACCESS_NAME_INVALID, ACCESS_ROLE_INVALID, ACCESS_PATTERN_INVALID */
export function checked({ to, role, on }: { to: string; role: string; on: string }): Grant {
  const known = roleOf(role);
  const pattern = isServerRole(known) ? '**' : repositoryPattern(on).text;
  return { to: granteeName(to), role: known, on: pattern };
}
