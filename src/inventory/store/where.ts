import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { decodeCursor, type Page, pageSize, toPage } from '../cursor.ts';
import { globToLike } from '../image-glob.ts';
import { inRange, parseVersionRange, type VersionRange } from '../version-range.ts';
import { versionOrder } from './ecosystem.ts';

export interface WhereQuery {
  readonly package: string;
  /** `<1.2`, `>=1 <2`, `1.2-3`; in the package format's own order. */
  readonly versionRange?: string;
  /** Ecosystem: `deb`, `rpm`, `npm`, … */
  readonly type?: string;
  readonly imageGlob?: string;
  /** Rows (one an image and reference) on a page. */
  readonly limit?: number;
  readonly after?: string;
}

/** One image that has the package. An image with several references has several rows. */
export interface WhereRow {
  readonly package: string;
  readonly type: string;
  readonly version: string;
  readonly arch: string;
  /** undefined where nothing names the image any more. */
  readonly reference: string | undefined;
  readonly digest: string;
  /** Layer (diff id) that brought the version; undefined when unknown. */
  readonly layer: string | undefined;
  /** Ids of the running things that use the image, sorted. */
  readonly workloads: readonly string[];
}

interface Candidate {
  readonly id: number;
  readonly ecosystem: string;
  readonly version: string;
  readonly architecture: string;
}

/** Sets that one statement looks at: the first as few as fill a page, more where a glob leaves few of them. */
const MAX_SETS_A_STATEMENT = 32_768;
const GROWTH = 8;

type Cursor = readonly [version: number, set: number, image: number, reference: string];

/**
 * Which images have a package. Version by version in the format's order, then image by image: keyset pagination over
 * (version, set, image, reference), each statement an index range.
 *
 * @throws INVENTORY_RANGE_INVALID, INVENTORY_CURSOR_INVALID
 */
export async function whereIs(reader: DatabaseReader, query: WhereQuery): Promise<Page<WhereRow>> {
  const range: VersionRange = query.versionRange === undefined ? [] : parseVersionRange(query.versionRange);
  const limit = pageSize(query.limit);
  const like = query.imageGlob === undefined ? undefined : globToLike(query.imageGlob);
  let from: Cursor | undefined =
    query.after === undefined
      ? undefined
      : decodeCursor(query.after, ['number', 'number', 'number', 'string'] as const);
  const versions = await versionsOf(reader, query, range);
  const byId = new Map(versions.map((version) => [version.id, version]));
  const found: Hit[] = [];
  let budget = limit + 1;
  while (found.length <= limit) {
    const members = await membersFrom(reader, versions, from, budget);
    if (members.length === 0) break;
    found.push(...(await imagesOf(reader, members, like, from, limit + 1 - found.length)));
    const last = members.at(-1) as Member;
    // Beyond every image of the last set.
    from = [last.version, last.set, Number.MAX_SAFE_INTEGER, ''];
    budget = Math.min(budget * GROWTH, MAX_SETS_A_STATEMENT);
  }
  const page = toPage(found, limit, (hit) => [hit.version, hit.set, hit.image, hit.reference ?? '']);
  return {
    next: page.next,
    rows: page.rows.map((hit) => toRow(query.package, byId.get(hit.version) as Candidate, hit)),
  };
}

async function versionsOf(
  reader: DatabaseReader,
  query: WhereQuery,
  range: VersionRange,
): Promise<readonly Candidate[]> {
  const { rows } = await sql<Candidate>`
    select package_version.id, ecosystem, version, architecture
    from package join package_version on package_version.package = package.id
    where name = ${query.package} ${query.type === undefined ? sql`` : sql`and ecosystem = ${query.type}`}
    order by ecosystem, architecture, rank, package_version.id`.execute(reader);
  return rows.filter((row) => inRange(row.version, range, versionOrder(row.ecosystem)));
}

/** A package set that holds a version. */
interface Member {
  readonly version: number;
  readonly set: number;
}

/** The next sets in order, at least `budget` of them where there are as many. */
async function membersFrom(
  reader: DatabaseReader,
  versions: readonly Candidate[],
  from: Cursor | undefined,
  budget: number,
): Promise<readonly Member[]> {
  const start = from === undefined ? 0 : versions.findIndex((version) => version.id === from[0]);
  const wanted = start < 0 ? [] : versions.slice(start).map((version) => version.id);
  if (wanted.length === 0) return [];
  const resume =
    from === undefined ? sql`` : sql`where not (place = 1 and sets[cardinality(sets)] < ${from[1]}::bigint)`;
  const { rows } = await sql<{ version: number; sets: number[] }>`
    select version, sets from (
      select version, place, chunk, sets,
        sum(cardinality(sets)) over (order by place, chunk rows unbounded preceding) - cardinality(sets) as before
      from unnest(${wanted}::integer[]) with ordinality as wanted (version, place)
      join package_version_sets on package_version_sets.package_version = wanted.version
      ${resume}
    ) listed
    -- The array that a page ended in counts, though part of it is done: hence one array's length on top.
    where before < ${budget}::integer + ${from === undefined ? 0 : 512}::integer
    order by place, chunk`.execute(reader);
  const members = rows.flatMap(({ version, sets }) => sets.map((set) => ({ version, set })));
  const after =
    from === undefined
      ? members
      : members.filter(
          ({ version, set }) =>
            version !== from[0] || set > from[1] || (set === from[1] && from[2] < Number.MAX_SAFE_INTEGER),
        );
  return after.slice(0, budget);
}

interface Hit extends Member {
  readonly image: number;
  readonly digest: string;
  readonly reference: string | null;
  readonly layer: string | null;
  readonly workloads: readonly string[] | null;
}

/** Images of these sets with the lowest layer of each that brought the version, and what runs them. */
async function imagesOf(
  reader: DatabaseReader,
  members: readonly Member[],
  like: string | undefined,
  from: Cursor | undefined,
  limit: number,
): Promise<readonly Hit[]> {
  const matches = like === undefined ? sql`` : sql`where reference like ${like}`;
  const begun = from !== undefined && members[0]?.version === from[0] && members[0]?.set === from[1];
  const after = begun
    ? sql`${like === undefined ? sql`where` : sql`and`} (place > 1 or (image.id, coalesce(reference, '')) >
        (${from[2]}::integer, ${from[3]}::text))`
    : sql``;
  const { rows } = await sql<Hit>`
    select version, set, hit.image, digest, reference,
      (select layer.diff_id
        from unnest(layers) with ordinality as stack (layer, height)
        join layer_package on layer_package.package_version = hit.version and layer_package.layer = stack.layer
        join layer on layer.id = stack.layer
        order by height limit 1) as layer,
      (select array_agg(distinct workload.id order by workload.id) from workload
        where workload.digest = hit.digest) as workloads
    from (
      select place, version, set, image.id as image, image.digest, image.layers, reference
      from unnest(${members.map((member) => member.version)}::integer[], ${members.map((member) => member.set)}::integer[])
        with ordinality as member (version, set, place)
      join lateral (
        select id, digest, layers from image where package_set = member.set
        union all select id, digest, layers from image where language_set = member.set
      ) image on true
      left join image_reference on image_reference.image = image.id and until is null
      ${matches} ${after}
      order by place, image.id, coalesce(reference, '')
      limit ${limit}
    ) hit
    order by place, hit.image, coalesce(reference, '')`.execute(reader);
  return rows;
}

function toRow(name: string, version: Candidate, hit: Hit): WhereRow {
  return {
    package: name,
    type: version.ecosystem,
    version: version.version,
    arch: version.architecture,
    reference: hit.reference ?? undefined,
    digest: hit.digest,
    layer: hit.layer ?? undefined,
    workloads: hit.workloads ?? [],
  };
}
