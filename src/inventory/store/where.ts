import { sql } from 'kysely';
import { type DatabaseReader, plannedOnce } from '../../database/index.ts';
import { isLanguageEcosystem } from '../../language/versions/index.ts';
import type { Page } from '../cursor.ts';
import type { LoadedIn } from '../types.ts';
import { isUsed } from '../usage/usage.ts';
import { inRange, parseVersionRange, type VersionRange } from '../version-range.ts';
import { versionOrder } from './ecosystem.ts';
import { loadedContainers, loadedIn } from './loaded/loaded-in.ts';
import { type Place, type PlacesQuery, placesOf } from './places.ts';

export interface WhereQuery extends PlacesQuery {
  readonly package: string;
  /** `<1.2`, `>=1 <2`, `1.2-3`; in the package format's own order. */
  readonly versionRange?: string;
  /** Ecosystem: `deb`, `rpm`, `npm`, … */
  readonly type?: string;
}

/** One image that has the package. An image with several references has several rows. */
export interface WhereRow extends Omit<Place, 'image'> {
  /** Containers that run this version now, as hosts report: `usage` is `loaded` then. */
  readonly loadedIn?: readonly LoadedIn[];
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
  const { now = new Date() } = query;
  const page = await placesOf(reader, versions, { ...query, now });
  const containers = await loadedContainers(
    reader,
    page.rows.map(({ place }) => place.image),
    now,
  );
  const rows = page.rows.map(({ entry, place: { image, ...place } }): WhereRow => {
    // Agents know packages of distributions alone.
    const isSystem = !isLanguageEcosystem(entry.ecosystem);
    const places = isSystem ? loadedIn(containers.get(image), query.package, entry.text) : [];
    return {
      package: query.package,
      type: entry.ecosystem,
      version: entry.text,
      arch: entry.architecture,
      ...place,
      ...(places.length === 0 ? {} : { usage: 'loaded' as const, loadedIn: places }),
    };
  });
  // A page may hold fewer rows than asked for: what runs in a container of the image need not be this package.
  return { next: page.next, rows: rows.filter((row) => isUsed(query.usage, row)) };
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
