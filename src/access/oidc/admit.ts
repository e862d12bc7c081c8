import type { Database } from '../../database/index.ts';
import type { Directory } from '../directory.ts';
import { accessError } from '../errors.ts';
import { principalOf } from '../sign-in.ts';
import { findBySubject, insertAccount, writeGroups } from '../store/accounts.ts';
import { writeAudit } from '../store/audit.ts';
import { changeAccess } from '../store/change.ts';
import type { Principal } from '../types.ts';
import type { Identity } from './identity.ts';

/**
 * The account of somebody whom the provider knows: made at the first sign-in, with today's groups from then on. A name
 * that another account has is refused, whoever comes with it.
 *
 * @throws ACCESS_OIDC_REFUSED
 */
export async function admitIdentity(
  database: Database,
  directory: Directory,
  identity: Identity,
  address: string,
): Promise<Principal> {
  const { subject, name, groups } = identity;
  const known = await findBySubject(database.kysely, subject);
  const told = {
    actor: known?.name ?? name,
    action: 'sign-in',
    address,
    result: 'done',
    detail: 'identity provider',
  } as const;
  if (known !== undefined && known.groups.join('\n') === groups.join('\n')) {
    await writeAudit(database.kysely, [told]);
    return principalOf(known);
  }
  const account = await changeAccess(database, async (trx) => {
    await writeAudit(trx, [told]);
    if (known !== undefined) {
      await writeGroups(trx, known.id, groups);
      return { ...known, groups };
    }
    const taken = await trx.selectFrom('account').select('id').where('name', '=', name).executeTakeFirst();
    if (taken !== undefined) {
      throw accessError('ACCESS_OIDC_REFUSED', `the name ${name} belongs to another account here`);
    }
    return insertAccount(trx, { name, kind: 'oidc', subject, groups });
  });
  await directory.refresh();
  return principalOf(account);
}
