import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import type { Page } from '../cursor.ts';
import { versionOrder } from './ecosystem.ts';
import { type Place, type PlacesQuery, placesOf } from './places.ts';

/** `missing`: a fixed version exists and is not installed; `affected`: none is known; `fixed`: it is installed. */
export type FixState = 'missing' | 'affected' | 'fixed';

export interface WhereAdvisoryQuery extends PlacesQuery {
  /** `CVE-2026-1234`, or an advisory's own id. */
  readonly advisory: string;
  readonly state?: FixState;
}

export interface WhereAdvisoryRow extends Omit<Place, 'image'> {
  readonly state: FixState;
  readonly package: string;
  readonly type: string;
  readonly version: string;
  readonly arch: string;
  /** First version with the fix, or the repository's candidate; undefined where none is known. */
  readonly fixedIn: string | undefined;
}

interface Entry {
  readonly version: number;
  readonly scope?: string;
  readonly state: FixState;
  readonly name: string;
  readonly ecosystem: string;
  readonly text: string;
  readonly architecture: string;
  readonly rank: number;
  readonly fixedIn: string | undefined;
}

const STATES: readonly FixState[] = ['missing', 'affected', 'fixed'];

/**
 * Which images still miss the fix of an advisory, and which have it: from the findings of update checks (changelogs),
 * and from imported advisories where there are some. An image that never had the package is in no answer.
 *
 * @throws INVENTORY_CURSOR_INVALID
 */
export async function whereAdvisory(
  reader: DatabaseReader,
  query: WhereAdvisoryQuery,
): Promise<Page<WhereAdvisoryRow>> {
  const entries = new Map<string, Entry>();
  // What a repository's own changelog says comes last: it is about exactly this version.
  for (const entry of await fromAdvisories(reader, query.advisory)) entries.set(keyOf(entry), entry);
  for (const entry of await fromFindings(reader, query.advisory)) {
    if (entry.state === 'missing' || !entries.has(keyOf(entry))) entries.set(keyOf(entry), entry);
  }
  const wanted = [...entries.values()]
    .filter(({ state }) => query.state === undefined || state === query.state)
    .sort(byState);
  const page = await placesOf(reader, wanted, query);
  return {
    next: page.next,
    rows: page.rows.map(({ entry, place: { image: _, ...place } }) => ({
      state: entry.state,
      package: entry.name,
      type: entry.ecosystem,
      version: entry.text,
      arch: entry.architecture,
      fixedIn: entry.fixedIn,
      ...place,
    })),
  };
}

const keyOf = ({ version, scope }: Entry): string => `${version}/${scope ?? ''}`;

function byState(a: Entry, b: Entry): number {
  return (
    STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
    text(a.name, b.name) ||
    text(a.architecture, b.architecture) ||
    text(a.scope ?? '', b.scope ?? '') ||
    a.rank - b.rank ||
    a.version - b.version
  );
}

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Findings that name it, and later versions of the same packages, which have the fix. */
async function fromFindings(reader: DatabaseReader, advisory: string): Promise<readonly Entry[]> {
  const { rows } = await sql<Omit<Entry, 'fixedIn'> & { candidate: string }>`
    with missing as materialized (
      select scope, package_version.package, package_version.id, rank, candidate
      from package_check join package_version on package_version.id = package_check.package_version
      where candidate is not null and advisories @> ${[advisory]}::text[]
    ),
    newest as (select scope, package, max(rank) as rank, max(candidate) as candidate from missing group by 1, 2)
    select version, scope, state, name, ecosystem, text, architecture, rank, candidate from (
      select missing.id as version, scope, 'missing' as state, package, rank, candidate,
        (select version from package_version where id = missing.id) as text
      from missing
      union all
      select package_version.id, newest.scope, 'fixed', newest.package, package_version.rank, newest.candidate,
        package_version.version
      from newest
      join package_version on package_version.package = newest.package and package_version.rank > newest.rank
      join scope_package on scope_package.scope = newest.scope
        and scope_package.package_version = package_version.id
    ) entry join package on package.id = entry.package`.execute(reader);
  return rows.map(({ candidate, ...entry }) => ({ ...entry, fixedIn: candidate }));
}

interface AdvisoryRow {
  readonly version: number;
  readonly scope: string | null;
  readonly name: string;
  readonly ecosystem: string;
  readonly text: string;
  readonly architecture: string;
  readonly rank: number;
  /** What the advisory's bounds are compared with: the source's version where it names the source. */
  readonly compared: string;
  readonly introduced: string | null;
  readonly fixed: string | null;
  readonly last_affected: string | null;
  readonly versions: string[] | null;
}

/** What imported documents say of package versions that the fleet has. */
async function fromAdvisories(reader: DatabaseReader, advisory: string): Promise<readonly Entry[]> {
  const { rows } = await sql<AdvisoryRow>`
    with said as materialized (
      select advisory_package.* from advisory
      join advisory_feed on advisory_feed.id = advisory.feed and ready
      join advisory_package on advisory_package.advisory = advisory.id
      where (advisory.name = ${advisory} or aliases @> ${[advisory]}::text[]) and withdrawn is null
        and status in ('affected', 'fixed') and product is null
    )
    select package_version.id as version, scope_package.scope, package.name, package.ecosystem,
      package_version.version as text, architecture, rank,
      case when said.name = package.name and said.kind <> 'source' then package_version.version
        else source_version end as compared,
      introduced, fixed, last_affected, said.versions
    from said
    join package_version on said.kind <> 'binary' and package_version.source = said.name
      or said.kind <> 'source' and package_version.package in (select id from package where name = said.name)
    join package on package.id = package_version.package
    left join scope_package on scope_package.package_version = package_version.id
    where package.ecosystem = said.ecosystem
      or starts_with(scope_package.scope, said.ecosystem || '/')`.execute(reader);
  return rows.flatMap((row): Entry[] => {
    const state = stateOf(row);
    if (state === undefined) return [];
    const { version, scope, name, ecosystem, text: spelled, architecture, rank, fixed } = row;
    const entry = { version, state, name, ecosystem, text: spelled, architecture, rank, fixedIn: fixed ?? undefined };
    return [scope === null ? entry : { ...entry, scope }];
  });
}

/** Undefined: the advisory says nothing of this version. */
function stateOf(row: AdvisoryRow): FixState | undefined {
  const { compared, introduced, fixed, last_affected: last, versions } = row;
  const order = versionOrder(row.ecosystem);
  try {
    if (versions?.some((one) => order(one, compared) === 0) === true) return fixed === null ? 'affected' : 'missing';
    if (introduced !== null && order(compared, introduced) < 0) return undefined;
    if (fixed !== null) return order(compared, fixed) < 0 ? 'missing' : 'fixed';
    if (last !== null) return order(compared, last) <= 0 ? 'affected' : 'fixed';
    return versions === null ? 'affected' : undefined;
  } catch {
    // What a document writes may be no version at all.
    return undefined;
  }
}
