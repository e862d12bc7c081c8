import { type RawBuilder, sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
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
  /** Versions in the set. */
  readonly packages: number;
}

export const keyOfSet = ({ package_set, scope }: Pick<ScopedSet, 'package_set' | 'scope'>): string =>
  `${package_set}/${scope}`;

/** A finding and its package.id. */
export interface StoredFinding {
  readonly id: number;
  readonly finding: Finding;
}

/** Findings by `keyOfSet`, security first, oldest first, then by name; images that share a set share its findings. */
export async function findingsOfSets(
  reader: DatabaseReader,
  sets: readonly ScopedSet[],
  filter: FindingFilter = {},
): Promise<ReadonlyMap<string, readonly StoredFinding[]>> {
  const distinct = [...new Map(sets.map((set) => [keyOfSet(set), set])).values()];
  if (distinct.length === 0) return new Map();
  const pairs = await pairsOf(reader, distinct, filter);
  const findings = await findingsOf(reader, pairs);
  const found = new Map<string, number[]>();
  for (const { set, scope, version } of pairs) {
    const place = findings.places.get(`${scope} ${version}`) as number;
    const key = keyOfSet({ package_set: set, scope });
    const list = found.get(key);
    if (list === undefined) found.set(key, [place]);
    else list.push(place);
  }
  return new Map(
    [...found].map(([key, places]) => [
      key,
      places.sort((a, b) => a - b).map((place) => findings.list[place] as StoredFinding),
    ]),
  );
}

interface Pair {
  readonly set: number;
  readonly scope: string;
  readonly version: number;
}

/**
 * Pairs of set and outdated version. Of few sets, package by package; of a fleet, from what is outdated to the sets
 * that have it, if those are fewer pairs than the sets have packages.
 */
async function pairsOf(
  reader: DatabaseReader,
  sets: readonly ScopedSet[],
  filter: FindingFilter,
): Promise<readonly Pair[]> {
  const members = sets.reduce((sum, { packages }) => sum + packages, 0);
  const scopes = [...new Set(sets.map(({ scope }) => scope))];
  const wanted = sql`unnest(
      ${sets.map((set) => set.package_set)}::integer[], ${sets.map((set) => set.scope)}::text[]
    ) as wanted (id, scope)`;
  if (members > FEW_MEMBERS && (await outdatedPairs(reader, scopes)) < members) {
    const { rows } = await sql<Pair>`
      select member.set, package_check.scope, package_check.package_version as version
      from package_check
      join package_version_sets on package_version_sets.package_version = package_check.package_version
      cross join lateral unnest(sets) as member (set)
      join ${wanted} on wanted.id = member.set and wanted.scope = package_check.scope
      where package_check.scope = any(${scopes}::text[]) and ${findingMatches(filter)}`.execute(reader);
    return rows;
  }
  const { rows } = await sql<Pair>`
    select wanted.id as set, wanted.scope, member.version
    from ${wanted}
    join package_set on package_set.id = wanted.id
    cross join lateral unnest(package_set.versions) as member (version)
    join package_check on package_check.scope = wanted.scope and package_check.package_version = member.version
    where ${findingMatches(filter)}`.execute(reader);
  return rows;
}

/** Below it, one way is as good as the other. */
const FEW_MEMBERS = 20_000;

async function outdatedPairs(reader: DatabaseReader, scopes: readonly string[]): Promise<number> {
  const { rows } = await sql<{ pairs: number }>`
    select coalesce(sum(cardinality(sets)), 0)::float8 as pairs
    from package_check
    join package_version_sets on package_version_sets.package_version = package_check.package_version
    where scope = any(${scopes}::text[]) and candidate is not null`.execute(reader);
  return rows[0]?.pairs ?? 0;
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
  pairs: readonly Pair[],
): Promise<{ readonly list: readonly StoredFinding[]; readonly places: ReadonlyMap<string, number> }> {
  const distinct = [...new Map(pairs.map((pair) => [`${pair.scope} ${pair.version}`, pair])).values()];
  const { rows } = await sql<FindingRow>`
    select package_check.package_version as version, package_check.scope, package.name, package.architecture,
      package_version.version as text, candidate, candidate_architecture, repository, security, severity, advisories,
      since, explained, package.id
    from unnest(
      ${distinct.map(({ version }) => version)}::integer[], ${distinct.map(({ scope }) => scope)}::text[]
    ) as wanted (version, scope)
    join package_check on package_check.scope = wanted.scope and package_check.package_version = wanted.version
    join package_version on package_version.id = package_check.package_version
    join package on package.id = package_version.package
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
