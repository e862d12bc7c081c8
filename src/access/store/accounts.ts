import type { Selectable } from 'kysely';
import type { AccountTable, DatabaseReader, DatabaseTransaction } from '../../database/index.ts';
import { accessError } from '../errors.ts';
import type { Account, AccountKind } from '../types.ts';

export interface NewAccount {
  readonly name: string;
  readonly kind: AccountKind;
  /** PHC string. */
  readonly password?: string;
  readonly subject?: string;
  readonly groups?: readonly string[];
  readonly expires?: number | undefined;
}

/** All accounts by name. */
export async function listAccounts(reader: DatabaseReader): Promise<readonly Account[]> {
  return (await reader.selectFrom('account').selectAll().orderBy('name').execute()).map(account);
}

/** @throws ACCESS_ACCOUNT_EXISTS */
export async function insertAccount(trx: DatabaseTransaction, added: NewAccount): Promise<Account> {
  const row = await trx
    .insertInto('account')
    .values({
      name: added.name,
      kind: added.kind,
      password: added.password ?? null,
      subject: added.subject ?? null,
      groups: JSON.stringify(added.groups ?? []),
      expires: added.expires === undefined ? null : new Date(added.expires),
      last_used: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row !== undefined) return account(row);
  throw accessError('ACCESS_ACCOUNT_EXISTS', `there is an account ${added.name} already`);
}

/** Its secrets, tickets and manual grants go too: who gets the name later gets nothing with it. */
export async function deleteAccount(trx: DatabaseTransaction, name: string): Promise<void> {
  const { numDeletedRows } = await trx.deleteFrom('account').where('name', '=', name).executeTakeFirst();
  if (numDeletedRows === 0n) throw unknownAccount(name);
  await trx.deleteFrom('access_grant').where('grantee', '=', name).where('source', '=', 'manual').execute();
}

export interface StoredPassword {
  readonly account: Account;
  /** PHC string; undefined for accounts without a password. */
  readonly password: string | undefined;
}

export async function readPassword(reader: DatabaseReader, name: string): Promise<StoredPassword | undefined> {
  const row = await reader.selectFrom('account').selectAll().where('name', '=', name).executeTakeFirst();
  return row === undefined ? undefined : { account: account(row), password: row.password ?? undefined };
}

/**
 * A new password ends what was given out under the old one; the same password under a better hash does not.
 * @throws ACCESS_ACCOUNT_UNKNOWN
 */
export async function writePassword(
  trx: DatabaseTransaction,
  name: string,
  password: string,
  change: 'new' | 'rehashed',
): Promise<void> {
  const { numUpdatedRows } = await trx
    .updateTable('account')
    .set((row) => ({ password, ...(change === 'new' ? { stamp: row('stamp', '+', 1) } : {}) }))
    .where('name', '=', name)
    .where('kind', '=', 'person')
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw unknownAccount(name, 'with a password');
}

/** Tokens, sessions and refresh tokens of the account end. @throws ACCESS_ACCOUNT_UNKNOWN */
export async function raiseStamp(trx: DatabaseTransaction, name: string): Promise<void> {
  const { numUpdatedRows } = await trx
    .updateTable('account')
    .set((row) => ({ stamp: row('stamp', '+', 1) }))
    .where('name', '=', name)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw unknownAccount(name);
  await trx
    .deleteFrom('access_ticket')
    .where('account', 'in', (query) => query.selectFrom('account').select('id').where('name', '=', name))
    .execute();
}

export async function findBySubject(reader: DatabaseReader, subject: string): Promise<Account | undefined> {
  const row = await reader.selectFrom('account').selectAll().where('subject', '=', subject).executeTakeFirst();
  return row === undefined ? undefined : account(row);
}

export async function writeGroups(trx: DatabaseTransaction, id: number, groups: readonly string[]): Promise<void> {
  await trx
    .updateTable('account')
    .set({ groups: JSON.stringify(groups) })
    .where('id', '=', id)
    .execute();
}

export async function touchAccount(reader: DatabaseReader, id: number, now: number): Promise<void> {
  await reader
    .updateTable('account')
    .set({ last_used: new Date(now) })
    .where('id', '=', id)
    .execute();
}

export const unknownAccount = (name: string, more = ''): Error =>
  accessError('ACCESS_ACCOUNT_UNKNOWN', `there is no account ${name}${more === '' ? '' : ` ${more}`}`);

export function account(row: Selectable<AccountTable>): Account {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as AccountKind,
    groups: JSON.parse(row.groups) as readonly string[],
    expires: row.expires?.getTime(),
    stamp: row.stamp,
    created: row.created.getTime(),
    lastUsed: row.last_used?.getTime(),
  };
}
