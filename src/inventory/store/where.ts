import { sql } from 'kysely';
import { type DatabaseReader, plannedOnce } from '../../database/index.ts';
import type { Page } from '../cursor.ts';
import { inRange, parseVersionRange, type VersionRange } from '../version-range.ts';
import { versionOrder } from './ecosystem.ts';
import { type Place, type PlacesQuery, placesOf } from './places.ts';

export interface WhereQuery extends PlacesQuery {
  readonly package: string;
  /** `<1.2`, `>=1 <2`, `1.2-3`; in the package format's own order. */
  readonly versionRange?: string;
  /** Ecosystem: `deb`, `rpm`, `npm`, … */
  readonly type?: string;
}

/** One image that has the package. An image with several references has several rows. */
export interface WhereRow extends Place {
  readonly package: string;
  readonly type: string;
  readonly version: string;
  readonly arch: string;
}

interface Candidate {
  readonly version: number;
  readonly ecosystem: string;
  readonly text: string;
  readonly architecture: string;
}

/**
 * Which images have a package. Version by version in the format's order, then image by image: keyset pagination, each
 * statement an index range.
 *
 * @throws INVENTORY_RANGE_INVALID, INVENTORY_CURSOR_INVALID
 */
export async function whereIs(reader: DatabaseReader, query: WhereQuery): Promise<Page<WhereRow>> {
  const range: VersionRange = query.versionRange === undefined ? [] : parseVersionRange(query.versionRange);
  const versions = await versionsOf(reader, query, range);
  const page = await placesOf(reader, versions, query);
  return {
    next: page.next,
    rows: page.rows.map(({ entry, place }) => ({
      package: query.package,
      type: entry.ecosystem,
      version: entry.text,
      arch: entry.architecture,
      ...place,
    })),
  };
}

async function versionsOf(
  reader: DatabaseReader,
  query: WhereQuery,
  range: VersionRange,
): Promise<readonly Candidate[]> {
  const { rows } = await sql<Candidate>`${plannedOnce}
    select package_version.id as version, ecosystem, package_version.version as text, architecture
    from package join package_version on package_version.package = package.id
    where name = ${query.package} ${query.type === undefined ? sql`` : sql`and ecosystem = ${query.type}`}
    order by ecosystem, architecture, rank, package_version.id`.execute(reader);
  return rows.filter((row) => inRange(row.text, range, versionOrder(row.ecosystem)));
}
