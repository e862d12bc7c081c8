import type { DatabaseReader, DatabaseTransaction } from '../../database/index.ts';

export interface StoredKey {
  readonly kid: string;
  /** Public JWK, JSON. */
  readonly jwk: string;
  /** Milliseconds since the epoch from which nothing is signed with it; undefined while it is in use. */
  readonly retired: number | undefined;
}

export async function listKeys(reader: DatabaseReader): Promise<readonly StoredKey[]> {
  const rows = await reader.selectFrom('access_key').selectAll().execute();
  return rows.map(({ kid, jwk, retired }) => ({ kid, jwk, retired: retired?.getTime() }));
}

export async function insertKey(trx: DatabaseTransaction, kid: string, jwk: string): Promise<void> {
  await trx
    .insertInto('access_key')
    .values({ kid, jwk, retired: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function retireKeys(trx: DatabaseTransaction, kids: readonly string[], now: number): Promise<void> {
  if (kids.length === 0) return;
  await trx
    .updateTable('access_key')
    .set({ retired: new Date(now) })
    .where('kid', 'in', [...kids])
    .where('retired', 'is', null)
    .execute();
}

export async function deleteKeysRetiredBefore(trx: DatabaseTransaction, time: number): Promise<void> {
  await trx.deleteFrom('access_key').where('retired', '<', new Date(time)).execute();
}
