import { sql } from 'kysely';
import type { Database, DatabaseReader, DatabaseTransaction } from '../../database/index.ts';

/** `pg_notify` channel: accounts, grants or keys have changed. */
export const ACCESS_CHANNEL = 'heraklit_access';
const VERSION = 'access_version';

/** Runs a change of accounts, grants or keys and tells every process about it at the commit. */
export function changeAccess<T>(database: Database, work: (trx: DatabaseTransaction) => Promise<T>): Promise<T> {
  return database.transaction(async (trx) => {
    const result = await work(trx);
    await sql`insert into metadata (key, value) values (${VERSION}, '1')
      on conflict (key) do update set value = (metadata.value::bigint + 1)::text`.execute(trx);
    await sql`select pg_notify(${ACCESS_CHANNEL}, '')`.execute(trx);
    return result;
  });
}

/** Grows with every committed change. */
export async function accessVersion(reader: DatabaseReader): Promise<number> {
  const row = await reader.selectFrom('metadata').select('value').where('key', '=', VERSION).executeTakeFirst();
  return Number(row?.value ?? 0);
}
