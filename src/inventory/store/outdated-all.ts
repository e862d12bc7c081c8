import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { decodeCursor, type Page, pageSize, toPage } from '../cursor.ts';
import { globToLike } from '../image-glob.ts';
import type { Finding } from '../types.ts';

export interface OutdatedQuery {
  readonly imageGlob?: string;
  readonly securityOnly?: boolean;
  readonly limit?: number;
  readonly after?: string;
}

export interface OutdatedImage {
  readonly reference: string;
  readonly digest: string;
  readonly distribution: string;
  /** Security first, oldest first, then by name. */
  readonly findings: readonly Finding[];
}

/** Named images with at least one finding, by name. @throws INVENTORY_CURSOR_INVALID */
export async function outdatedAll(reader: DatabaseReader, query: OutdatedQuery = {}): Promise<Page<OutdatedImage>> {
  const limit = pageSize(query.limit);
  const [after] = query.after === undefined ? [''] : decodeCursor(query.after, ['string'] as const);
  const { rows } = await sql<{
    reference: string;
    digest: string;
    distribution: string;
    scope: string;
    package_set: number;
  }>`
    select reference, digest, distribution, image.scope, image.package_set
    from image_reference
    join image on image.id = image_reference.image
    join exposure on exposure.package_set = image.package_set and exposure.scope = image.scope
    where until is null and reference > ${after} and findings > 0
      ${query.securityOnly === true ? sql`and security > 0` : sql``}
      ${query.imageGlob === undefined ? sql`` : sql`and reference like ${globToLike(query.imageGlob)}`}
    order by reference limit ${limit + 1}`.execute(reader);
  const page = toPage(rows, limit, (row) => [row.reference]);
  const findings = await findingsOfSets(reader, page.rows, query.securityOnly === true);
  return {
    next: page.next,
    rows: page.rows.map((row) => ({
      reference: row.reference,
      digest: row.digest,
      distribution: row.distribution,
      findings: findings.get(`${row.package_set}/${row.scope}`) ?? [],
    })),
  };
}

interface FindingRow {
  readonly set: number;
  readonly scope: string;
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  readonly candidate: string;
  readonly candidate_architecture: string;
  readonly repository: string;
  readonly security: boolean;
  readonly severity: Finding['severity'];
  readonly advisories: string[];
  readonly since: Date;
  readonly explained: string | null;
}

/** Findings of distinct package sets, so that images which share one share its rows. */
async function findingsOfSets(
  reader: DatabaseReader,
  images: readonly { readonly package_set: number; readonly scope: string }[],
  securityOnly: boolean,
): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const { rows } = await sql<FindingRow>`
    select wanted.id as set, wanted.scope, package.name, package.architecture, package_version.version, candidate,
      candidate_architecture, repository, security, severity, advisories, since, explained
    from (
      select distinct * from unnest(
        ${images.map((image) => image.package_set)}::integer[], ${images.map((image) => image.scope)}::text[]
      ) as pairs (id, scope)
    ) wanted
    join package_set on package_set.id = wanted.id
    cross join lateral unnest(package_set.versions) as member (version)
    join package_check on package_check.scope = wanted.scope and candidate is not null
      and package_check.package_version = member.version
    join package_version on package_version.id = package_check.package_version
    join package on package.id = package_version.package
    ${securityOnly ? sql`where security` : sql``}
    order by security desc, since, package.name, package.architecture`.execute(reader);
  const found = new Map<string, Finding[]>();
  for (const row of rows) {
    const key = `${row.set}/${row.scope}`;
    const list = found.get(key) ?? [];
    if (list.length === 0) found.set(key, list);
    list.push({
      package: row.name,
      arch: row.candidate_architecture,
      installed: row.version,
      installedArch: row.architecture,
      candidate: row.candidate,
      repository: row.repository,
      security: row.security,
      severity: row.severity,
      advisories: row.advisories,
      since: row.since.toISOString(),
      ...(row.explained === null ? {} : (JSON.parse(row.explained) as Pick<Finding, 'score' | 'notAffected'>)),
    });
  }
  return found;
}

/** Findings recorded for one image; undefined when it is not in the inventory or was never checked. */
export async function findingsOfImage(reader: DatabaseReader, digest: string): Promise<readonly Finding[] | undefined> {
  const image = await reader
    .selectFrom('image')
    .innerJoin('exposure', (join) =>
      join.onRef('exposure.package_set', '=', 'image.package_set').onRef('exposure.scope', '=', 'image.scope'),
    )
    .select(['image.package_set', 'image.scope'])
    .where('digest', '=', digest)
    .executeTakeFirst();
  if (image === undefined) return undefined;
  return (await findingsOfSets(reader, [image], false)).get(`${image.package_set}/${image.scope}`) ?? [];
}
