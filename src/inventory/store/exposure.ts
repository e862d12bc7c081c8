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
  const sums = sets === 'all' ? sumsOfScope(scope) : sumsOfSets(scope, sets);
  await sql`
    insert into exposure as known
      (package_set, scope, packages, checked, findings, security, oldest_critical, oldest_important, outdated)
    select package_set, ${scope}, packages, checked, cardinality(outdated), security, oldest_critical, oldest_important,
      outdated
    from (${sums}) sums
    order by package_set
    on conflict (package_set, scope) do update set
      packages = excluded.packages, checked = excluded.checked, findings = excluded.findings,
      security = excluded.security, oldest_critical = excluded.oldest_critical,
      oldest_important = excluded.oldest_important, outdated = excluded.outdated
    where (known.packages, known.checked, known.outdated, known.security, known.oldest_critical,
      known.oldest_important) is distinct from (excluded.packages, excluded.checked, excluded.outdated,
      excluded.security, excluded.oldest_critical, excluded.oldest_important)`.execute(trx);
}

/** Package by package of each set: right for few sets. */
function sumsOfSets(scope: string, sets: readonly number[]) {
  return sql`
    select package_set.id as package_set, cardinality(package_set.versions) as packages, count(*) as checked,
      coalesce(array_agg(member.version order by member.version) filter (where missing), '{}') as outdated,
      count(*) filter (where missing and security) as security,
      min(since) filter (where missing and severity = 'critical') as oldest_critical,
      min(since) filter (where missing and severity = 'important') as oldest_important
    from package_set
    cross join lateral unnest(package_set.versions) as member (version)
    join package_check on package_check.scope = ${scope} and package_check.package_version = member.version
    cross join lateral (
      select candidate is not null and not exists (
        select from package_version own
        join package on package.id = own.package and ecosystem = 'rpm'
        join package_version newer on newer.package = own.package and newer.rank > own.rank
        where own.id = member.version and newer.id = any(package_set.versions)) as missing
    ) judged
    where package_set.id = any(${sets}::integer[])
    group by package_set.id`;
}

/**
 * From what is outdated or unchecked to the sets that have it: a fleet has millions of pairs of set and package, and
 * most of them are up to date.
 */
function sumsOfScope(scope: string) {
  return sql`
    with wanted as materialized (
      select distinct package_set from image where scope = ${scope}
    ),
    unchecked as materialized (
      select member.set, count(*) as versions
      from scope_package
      join package_version_sets on package_version_sets.package_version = scope_package.package_version
      cross join lateral unnest(package_version_sets.sets) as member (set)
      where scope_package.scope = ${scope}
        and not exists (select from package_check where package_check.scope = ${scope}
          and package_check.package_version = scope_package.package_version)
      group by member.set
    ),
    -- rpm keeps some packages (kernels) in several versions beside one another, and its managers look at the newest.
    newer as materialized (
      select own.id as version, newer.id as newer
      from package_check
      join package_version own on own.id = package_check.package_version
      join package on package.id = own.package and ecosystem = 'rpm'
      join package_version newer on newer.package = own.package and newer.rank > own.rank
      join scope_package on scope_package.scope = ${scope} and scope_package.package_version = newer.id
      where package_check.scope = ${scope} and candidate is not null
    ),
    superseded as materialized (
      select distinct newer.version, member.set
      from newer
      join package_version_sets own on own.package_version = newer.version
      cross join lateral unnest(own.sets) as member (set)
      join package_version_sets other on other.package_version = newer.newer and member.set = any(other.sets)
    ),
    outdated as materialized (
      select member.set, array_agg(package_check.package_version order by package_check.package_version) as versions,
        count(*) filter (where security) as security,
        min(since) filter (where severity = 'critical') as oldest_critical,
        min(since) filter (where severity = 'important') as oldest_important
      from package_check
      join package_version_sets on package_version_sets.package_version = package_check.package_version
      cross join lateral unnest(package_version_sets.sets) as member (set)
      left join superseded on superseded.version = package_check.package_version and superseded.set = member.set
      where package_check.scope = ${scope} and candidate is not null and superseded.version is null
      group by member.set
    )
    select package_set.id as package_set, cardinality(package_set.versions) as packages,
      cardinality(package_set.versions) - coalesce(unchecked.versions, 0) as checked,
      coalesce(outdated.versions, '{}') as outdated, coalesce(security, 0) as security, oldest_critical, oldest_important
    from wanted
    join package_set on package_set.id = wanted.package_set
    left join unchecked on unchecked.set = package_set.id
    left join outdated on outdated.set = package_set.id
    where cardinality(package_set.versions) > coalesce(unchecked.versions, 0)`;
}
