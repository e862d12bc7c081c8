import type { DatabaseReader, DatabaseTransaction } from '../../database/index.ts';
import { accessError } from '../errors.ts';
import type { Grant } from '../grants/decide.ts';
import type { Role } from '../grants/roles.ts';

/** `manual` grants come from the command line and the API, `fleet` grants from a fleet file. */
export type GrantSource = 'manual' | 'fleet';

export interface StoredGrant extends Grant {
  readonly source: GrantSource;
}

export async function listGrants(reader: DatabaseReader): Promise<readonly StoredGrant[]> {
  const rows = await reader.selectFrom('access_grant').selectAll().execute();
  return rows
    .map((row) => ({
      to: row.grantee,
      role: row.role as Role,
      on: row.pattern,
      source: row.source as GrantSource,
    }))
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

const sortKey = (grant: StoredGrant): string => [grant.to, grant.on, grant.role, grant.source].join('\n');

/** One that is there already stays. */
export async function insertGrant(trx: DatabaseTransaction, { to, role, on }: Grant): Promise<void> {
  await trx
    .insertInto('access_grant')
    .values({ grantee: to, role, pattern: on, source: 'manual' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** @throws ACCESS_GRANT_UNKNOWN */
export async function deleteGrant(trx: DatabaseTransaction, { to, role, on }: Grant): Promise<void> {
  const same = trx
    .deleteFrom('access_grant')
    .where('grantee', '=', to)
    .where('role', '=', role)
    .where('pattern', '=', on);
  const { numDeletedRows } = await same.where('source', '=', 'manual').executeTakeFirst();
  if (numDeletedRows > 0n) return;
  throw accessError('ACCESS_GRANT_UNKNOWN', `${to} has no ${role} on ${on} to take back`, {
    hint: 'heraklit account list shows all grants; those of a fleet file are changed there.',
  });
}

/** Makes the fleet file's grants exactly these. */
export async function replaceFleetGrants(trx: DatabaseTransaction, grants: readonly Grant[]): Promise<void> {
  await trx.deleteFrom('access_grant').where('source', '=', 'fleet').execute();
  if (grants.length === 0) return;
  await trx
    .insertInto('access_grant')
    .values(grants.map(({ to, role, on }) => ({ grantee: to, role, pattern: on, source: 'fleet' })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
