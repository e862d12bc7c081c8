import { type RawBuilder, sql } from 'kysely';
import { type DatabaseReader, unnest } from '../../database/index.ts';
import type { Finding } from '../types.ts';

/** Which findings are asked for; all of it holds. */
export interface FindingFilter {
  readonly securityOnly?: boolean;
  /** At least: `important` gives critical ones too. */
  readonly severity?: 'critical' | 'important';
  /** Only updates that were published then or later. */
  readonly since?: Date;
}

/** The filter as a condition on package_check. */
export function findingMatches(filter: FindingFilter): RawBuilder<unknown> {
  const { securityOnly, severity, since } = filter;
  return sql`candidate is not null
    ${securityOnly === true ? sql`and security` : sql``}
    ${severity === undefined ? sql`` : severity === 'critical' ? sql`and severity = 'critical'` : sql`and severity in ('critical', 'important')`}
    ${since === undefined ? sql`` : sql`and since >= ${since}::timestamptz`}`;
}

/** A package set in a scope; findings hang on the pair. */
export interface ScopedSet {
  readonly package_set: number;
  readonly scope: string;
}

export const keyOfSet = ({ package_set, scope }: ScopedSet): string => `${package_set}/${scope}`;

/** A finding and its package.id. */
export interface StoredFinding {
  readonly id: number;
  readonly finding: Finding;
}

/**
 * Findings by `keyOfSet`, security first, oldest first, then by name; images that share a set share its findings, and
 * each finding is read once, however many sets have it.
 */
export async function findingsOfSets(
  reader: DatabaseReader,
  sets: readonly ScopedSet[],
  filter: FindingFilter = {},
): Promise<ReadonlyMap<string, readonly StoredFinding[]>> {
  const distinct = [...new Map(sets.map((set) => [keyOfSet(set), set])).values()];
  if (distinct.length === 0) return new Map();
  // As text: parsing an array of integers element by element takes longer than reading it.
  const { rows } = await sql<ScopedSet & { outdated: string }>`
    select package_set, exposure.scope, array_to_string(outdated, ',') as outdated
    from ${unnest(distinct, { package_set: 'integer', scope: 'text' })} as wanted (id, scope)
    join exposure on exposure.package_set = wanted.id and exposure.scope = wanted.scope
    where findings > 0`.execute(reader);
  const outdated = rows.map((row) => ({ ...row, versions: row.outdated.split(',').map(Number) }));
  const wanted = new Map<string, Set<number>>();
  for (const { scope, versions } of outdated) {
    const all = wanted.get(scope) ?? new Set();
    for (const version of versions) all.add(version);
    wanted.set(scope, all);
  }
  const findings = await findingsOf(reader, wanted, filter);
  return new Map(
    outdated.map((set) => {
      const places = set.versions.flatMap((version) => findings.places.get(`${set.scope} ${version}`) ?? []);
      return [keyOfSet(set), places.sort((a, b) => a - b).map((place) => findings.list[place] as StoredFinding)];
    }),
  );
}

interface FindingRow {
  readonly version: number;
  readonly scope: string;
  readonly name: string;
  readonly architecture: string;
  readonly text: string;
  readonly candidate: string;
  readonly candidate_architecture: string;
  readonly repository: string;
  readonly security: boolean;
  readonly severity: Finding['severity'];
  readonly advisories: string[];
  readonly since: Date;
  readonly explained: string | null;
  readonly id: number;
}

/** Each distinct finding once, in the order they are told in, and its place by scope and version. */
async function findingsOf(
  reader: DatabaseReader,
  versions: ReadonlyMap<string, ReadonlySet<number>>,
  filter: FindingFilter,
): Promise<{ readonly list: readonly StoredFinding[]; readonly places: ReadonlyMap<string, number> }> {
  const pairs = [...versions].flatMap(([scope, ids]) => [...ids].map((version) => ({ version, scope })));
  const { rows } = await sql<FindingRow>`
    select package_check.package_version as version, package_check.scope, package.name, package.architecture,
      package_version.version as text, candidate, candidate_architecture, repository, security, severity, advisories,
      since, explained, package.id
    from ${unnest(pairs, { version: 'integer', scope: 'text' })} as wanted (version, scope)
    join package_check on package_check.scope = wanted.scope and package_check.package_version = wanted.version
    join package_version on package_version.id = package_check.package_version
    join package on package.id = package_version.package
    where ${findingMatches(filter)}
    order by security desc, since, package.name, package.architecture`.execute(reader);
  const list = rows.map((row): StoredFinding => ({ id: row.id, finding: toFinding(row) }));
  return { list, places: new Map(rows.map((row, place) => [`${row.scope} ${row.version}`, place])) };
}

function toFinding(row: FindingRow): Finding {
  return {
    package: row.name,
    arch: row.candidate_architecture,
    installed: row.text,
    installedArch: row.architecture,
    candidate: row.candidate,
    repository: row.repository,
    security: row.security,
    severity: row.severity,
    advisories: row.advisories,
    since: row.since.toISOString(),
    ...(row.explained === null ? {} : (JSON.parse(row.explained) as Pick<Finding, 'score' | 'notAffected'>)),
  };
}
