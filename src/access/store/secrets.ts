import type { DatabaseReader, DatabaseTransaction } from '../../database/index.ts';
import type { Account } from '../types.ts';
import { account, unknownAccount } from './accounts.ts';

/** A secret of an account, without itself. Times are milliseconds since the epoch. */
export interface SecretInfo {
  readonly id: number;
  readonly account: string;
  readonly label: string;
  readonly created: number;
  readonly expires: number | undefined;
  readonly lastUsed: number | undefined;
}

/** @throws ACCESS_ACCOUNT_UNKNOWN */
export async function insertSecret(
  trx: DatabaseTransaction,
  name: string,
  secret: { readonly hash: string; readonly label: string; readonly expires: number | undefined },
): Promise<number> {
  const owner = await trx.selectFrom('account').select('id').where('name', '=', name).executeTakeFirst();
  if (owner === undefined) throw unknownAccount(name);
  const { hash, label, expires } = secret;
  const { id } = await trx
    .insertInto('account_secret')
    .values({
      account: owner.id,
      hash,
      label,
      expires: expires === undefined ? null : new Date(expires),
      last_used: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

export async function listSecrets(reader: DatabaseReader): Promise<readonly SecretInfo[]> {
  const rows = await reader
    .selectFrom('account_secret')
    .innerJoin('account', 'account.id', 'account_secret.account')
    .select(['account_secret.id', 'account.name', 'label', 'account_secret.created', 'account_secret.expires'])
    .select('account_secret.last_used')
    .orderBy('account_secret.id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    account: row.name,
    label: row.label,
    created: row.created.getTime(),
    expires: row.expires?.getTime(),
    lastUsed: row.last_used?.getTime(),
  }));
}

/** False when the account has no such secret. */
export async function deleteSecret(trx: DatabaseTransaction, name: string, id: number): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('account_secret')
    .where('id', '=', id)
    .where('account', 'in', (query) => query.selectFrom('account').select('id').where('name', '=', name))
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

export async function deleteSecrets(trx: DatabaseTransaction, name: string): Promise<void> {
  await trx
    .deleteFrom('account_secret')
    .where('account', 'in', (query) => query.selectFrom('account').select('id').where('name', '=', name))
    .execute();
}

export interface FoundSecret {
  readonly id: number;
  readonly account: Account;
  readonly expires: number | undefined;
}

export async function findSecret(reader: DatabaseReader, hash: string): Promise<FoundSecret | undefined> {
  const secret = await reader.selectFrom('account_secret').selectAll().where('hash', '=', hash).executeTakeFirst();
  if (secret === undefined) return undefined;
  const owner = await reader.selectFrom('account').selectAll().where('id', '=', secret.account).executeTakeFirst();
  if (owner === undefined) return undefined;
  return { id: secret.id, account: account(owner), expires: secret.expires?.getTime() };
}

export async function touchSecret(reader: DatabaseReader, id: number, now: number): Promise<void> {
  await reader
    .updateTable('account_secret')
    .set({ last_used: new Date(now) })
    .where('id', '=', id)
    .execute();
}
