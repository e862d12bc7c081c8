import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';
import type { EcosystemId } from '../../distro/index.ts';
import type { Finding, PackageRef } from '../types.ts';
import { refreshExposure } from './exposure.ts';
import { refreshStatistics } from './statistics.ts';

export interface RecordCheck {
  /** `scopeOf(contents)` */
  readonly scope: string;
  readonly distribution: string;
  /** Every installed package that was looked up, outdated or not. */
  readonly packages: readonly (PackageRef & { readonly ecosystem: EcosystemId })[];
  readonly findings: readonly Finding[];
  readonly now: Date;
}

/** Which package versions now have another answer than before. */
export interface CheckChange {
  /** Newly outdated, or with a newer candidate than before. */
  readonly outdated: number;
  /** Outdated before, up to date now. */
  readonly resolved: number;
}

/**
 * Keeps what a check of package versions said. One row covers every image of the scope that has the version, so check
 * the scope's distinct packages (`packagesOfScope`) rather than image after image.
 */
export async function recordFindings(trx: DatabaseTransaction, check: RecordCheck): Promise<CheckChange> {
  await recordScope(trx, { ...check, status: 'checked', reason: '' });
  const findings = new Map(check.findings.map((item) => [key(item.package, item.installedArch, item.installed), item]));
  const rows = check.packages.map((item) => {
    const finding = findings.get(key(item.name, item.architecture, item.version));
    return {
      ...item,
      candidate: finding?.candidate,
      candidate_architecture: finding?.arch,
      repository: finding?.repository,
      security: finding?.security ?? false,
      severity: finding?.severity,
      // An array of arrays would have to be rectangular: travels as JSON.
      advisories: JSON.stringify(finding?.advisories ?? []),
      since: finding?.since,
      explained: finding === undefined ? undefined : explainedText(finding),
    };
  });
  const { rows: changed } = await sql<{ candidate: string | null; before: string | null }>`
    with wanted as (
      select package_version.id, w.candidate, w.candidate_architecture, w.repository, w.security, w.severity,
        array(select jsonb_array_elements_text(w.advisories)) as advisories, w.since, w.explained
      from ${unnest(rows, {
        ecosystem: 'text',
        name: 'text',
        architecture: 'text',
        version: 'text',
        candidate: 'text',
        candidate_architecture: 'text',
        repository: 'text',
        security: 'boolean',
        severity: 'text',
        advisories: 'jsonb',
        since: 'timestamptz',
        explained: 'text',
      })} as w (ecosystem, name, architecture, version, candidate, candidate_architecture, repository, security,
        severity, advisories, since, explained)
      join package on package.ecosystem = w.ecosystem and package.name = w.name
        and package.architecture = w.architecture
      join package_version on package_version.package = package.id and package_version.version = w.version
    ),
    before as (
      select package_version, candidate from package_check
      where scope = ${check.scope} and package_version in (select id from wanted)
    ),
    written as (
      insert into package_check (scope, package_version, checked, candidate, candidate_architecture, repository,
        security, severity, advisories, since, explained, first_seen)
      select ${check.scope}, id, ${check.now}::timestamptz, candidate, candidate_architecture, repository, security,
        severity, advisories, since, explained, case when candidate is not null then ${check.now}::timestamptz end
      from wanted order by id
      on conflict (scope, package_version) do update set
        checked = excluded.checked, candidate = excluded.candidate,
        candidate_architecture = excluded.candidate_architecture, repository = excluded.repository,
        security = excluded.security, severity = excluded.severity, advisories = excluded.advisories,
        since = excluded.since, explained = excluded.explained,
        first_seen = case when excluded.candidate is null then null
          else coalesce(package_check.first_seen, excluded.first_seen) end
    )
    select wanted.candidate, before.candidate as before
    from wanted left join before on before.package_version = wanted.id
    where wanted.candidate is distinct from before.candidate`.execute(trx);
  return {
    outdated: changed.filter((row) => row.candidate !== null).length,
    resolved: changed.filter((row) => row.candidate === null).length,
  };
}

/** Sums up what was recorded, for these images or the whole scope. Call it in the transaction of `recordFindings`. */
export async function refreshScope(
  trx: DatabaseTransaction,
  scope: string,
  digests: readonly string[] | 'all' = 'all',
): Promise<void> {
  if (digests === 'all') {
    await refreshStatistics(trx);
    return refreshExposure(trx, scope, 'all');
  }
  if (digests.length === 0) return;
  const rows = await trx.selectFrom('image').select('package_set').where('digest', 'in', digests).distinct().execute();
  await refreshExposure(
    trx,
    scope,
    rows.map((row) => row.package_set),
  );
}

/** Nothing can be said about this scope, and why. */
export async function recordUnsupported(
  trx: DatabaseTransaction,
  check: { readonly scope: string; readonly distribution: string; readonly reason: string; readonly now: Date },
): Promise<void> {
  await recordScope(trx, { ...check, status: 'unsupported' });
}

async function recordScope(
  trx: DatabaseTransaction,
  check: { scope: string; distribution: string; status: 'checked' | 'unsupported'; reason: string; now: Date },
): Promise<void> {
  const values = {
    distribution: check.distribution,
    status: check.status,
    reason: check.reason,
    checked: check.now,
  };
  await trx
    .insertInto('scope_check')
    .values({ scope: check.scope, ...values })
    .onConflict((conflict) => conflict.column('scope').doUpdateSet(values))
    .execute();
}

/** What stands in no column of its own; null where imported advisories add nothing. */
function explainedText({ score, notAffected }: Finding): string | undefined {
  return score === undefined && notAffected === undefined ? undefined : JSON.stringify({ score, notAffected });
}

function key(name: string, architecture: string, version: string): string {
  return `${name}\n${architecture}\n${version}`;
}
