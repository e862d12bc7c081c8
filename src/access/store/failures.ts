import { createHash } from 'node:crypto';
import type { Database, DatabaseReader } from '../../database/index.ts';
import { addressGroup } from '../credentials/address.ts';
import { afterFailure, type Failures, FORGET_AFTER } from '../credentials/lockout.ts';
import { type AuditEntry, writeAudit } from './audit.ts';

/** The row of one account (there or not) and one address. */
export function failureKey(name: string, address: string): string {
  return createHash('sha256')
    .update(`${name}\n${addressGroup(address)}`)
    .digest('hex');
}

export async function readFailures(reader: DatabaseReader, key: string): Promise<Failures | undefined> {
  const row = await reader.selectFrom('access_failure').selectAll().where('key', '=', key).executeTakeFirst();
  return row === undefined ? undefined : { count: row.count, last: row.last.getTime(), until: row.until.getTime() };
}

/** Counts one more, and writes it into the audit log with it. */
export async function addFailure(database: Database, key: string, now: number, entry: AuditEntry): Promise<Failures> {
  return database.transaction(async (trx) => {
    const row = await trx
      .selectFrom('access_failure')
      .selectAll()
      .where('key', '=', key)
      .forUpdate()
      .executeTakeFirst();
    const before = row && { count: row.count, last: row.last.getTime(), until: row.until.getTime() };
    const { count, last, until } = afterFailure(before, now);
    const values = { count, last: new Date(last), until: new Date(until) };
    await trx
      .insertInto('access_failure')
      .values({ key, ...values })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(values))
      .execute();
    await writeAudit(trx, [entry]);
    return { count, last, until };
  });
}

export async function clearFailures(reader: DatabaseReader, key: string): Promise<void> {
  await reader.deleteFrom('access_failure').where('key', '=', key).execute();
}

export async function forgetFailures(reader: DatabaseReader, now: number): Promise<void> {
  await reader
    .deleteFrom('access_failure')
    .where('last', '<', new Date(now - FORGET_AFTER))
    .execute();
}
