import { sql } from 'kysely';
import type { DatabaseTransaction } from '../../database/index.ts';

/**
 * Sums up package_check for package sets, or for every set that an image of the scope uses.
 * A set whose packages were never checked keeps no row: unknown is not zero.
 */
export async function refreshExposure(
  trx: DatabaseTransaction,
  scope: string,
  sets: readonly number[] | 'all',
): Promise<void> {
  const wanted =
    sets === 'all'
      ? sql`select distinct package_set from image where scope = ${scope}`
      : sql`select unnest(${sets}::integer[]) as package_set`;
  await sql`
    insert into exposure
      (package_set, scope, packages, checked, findings, security, oldest_critical, oldest_important)
    select package_set.id, ${scope}, cardinality(package_set.versions), count(*), count(candidate),
      count(*) filter (where candidate is not null and security),
      min(since) filter (where candidate is not null and severity = 'critical'),
      min(since) filter (where candidate is not null and severity = 'important')
    from (${wanted}) wanted
    join package_set on package_set.id = wanted.package_set
    cross join lateral unnest(package_set.versions) as member (version)
    join package_check on package_check.scope = ${scope} and package_check.package_version = member.version
    group by package_set.id
    order by package_set.id
    on conflict (package_set, scope) do update set
      packages = excluded.packages, checked = excluded.checked, findings = excluded.findings,
      security = excluded.security, oldest_critical = excluded.oldest_critical,
      oldest_important = excluded.oldest_important`.execute(trx);
}
