import { sql } from 'kysely';
import type { DatabaseTransaction } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import { registryError } from '../errors.ts';

/**
 * Children of an index that were there when the push was checked still are, now that nobody can remove them before the
 * index is published: retention takes manifests that nothing names.
 * @throws REGISTRY_MANIFEST_BLOB_UNKNOWN
 */
export async function checkStillThere(
  trx: DatabaseTransaction,
  repository: string,
  children: readonly Digest[],
): Promise<void> {
  if (children.length === 0) return;
  const { rows } = await sql<{ digest: Digest }>`
    select asked.digest from unnest(${sql.val([...children])}::text[]) as asked (digest)
    where not exists (select from registry_repository r join registry_manifest m on m.repository = r.id
      where r.name = ${repository} and m.digest = asked.digest) limit 1`.execute(trx);
  const digest = rows[0]?.digest;
  if (digest === undefined) return;
  throw registryError('REGISTRY_MANIFEST_BLOB_UNKNOWN', `${repository} no longer has ${digest}: push it again`, {
    details: { digest },
  });
}
