import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { ecosystemOf } from '../../distro/index.ts';
import { decodeCursor, type Page, pageSize, toPage } from '../cursor.ts';
import { globToLike } from '../image-glob.ts';
import { inRange, parseVersionRange, type VersionRange } from '../version-range.ts';

export interface WhereQuery {
  readonly package: string;
  /** `<1.2`, `>=1 <2`, `1.2-3`; in the package format's own order. */
  readonly versionRange?: string;
  readonly imageGlob?: string;
  /** Rows (one an image and reference) on a page. */
  readonly limit?: number;
  readonly after?: string;
}

/** One image that has the package. An image with several references has several rows. */
export interface WhereRow {
  readonly package: string;
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
  readonly version: string;
  readonly architecture: string;
}

/** Sets a statement looks at: small enough to answer a page at once, large enough for few round trips. */
const SETS_A_BATCH = 256;

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
  const from =
    query.after === undefined
      ? undefined
      : decodeCursor(query.after, ['number', 'number', 'number', 'string'] as const);
  const versions = await versionsOf(reader, query.package, range);
  const start = from === undefined ? 0 : versions.findIndex((version) => version.id === from[0]);
  const found: Hit[] = [];
  for (const version of start < 0 ? [] : versions.slice(start)) {
    const resume = from !== undefined && version.id === from[0] ? from : undefined;
    found.push(...(await imagesWith(reader, version, like, resume, limit + 1 - found.length)));
    if (found.length > limit) break;
  }
  const page = toPage(found, limit, (hit) => [hit.version.id, hit.set, hit.image, hit.reference ?? '']);
  return { next: page.next, rows: await toRows(reader, query.package, page.rows) };
}

async function versionsOf(reader: DatabaseReader, name: string, range: VersionRange): Promise<readonly Candidate[]> {
  const rows = await reader
    .selectFrom('package')
    .innerJoin('package_version', 'package_version.package', 'package.id')
    .select(['package_version.id', 'version', 'architecture', 'ecosystem'])
    .where('name', '=', name)
    .orderBy('ecosystem')
    .orderBy('architecture')
    .orderBy('rank')
    .orderBy('package_version.id')
    .execute();
  return rows.filter((row) => inRange(row.version, range, ecosystemOf(row.ecosystem).compareVersions));
}

interface Hit {
  readonly version: Candidate;
  readonly set: number;
  readonly image: number;
  readonly digest: string;
  readonly reference: string | undefined;
}

async function imagesWith(
  reader: DatabaseReader,
  version: Candidate,
  like: string | undefined,
  resume: readonly [number, number, number, string] | undefined,
  limit: number,
): Promise<readonly Hit[]> {
  const rows = await reader
    .selectFrom('package_version_sets')
    .select('sets')
    .where('package_version', '=', version.id)
    .execute();
  const sets = rows
    .flatMap((row) => row.sets)
    .filter((set) => set >= (resume?.[1] ?? 0))
    .sort((a, b) => a - b);
  const hits: Hit[] = [];
  for (let at = 0; at < sets.length && hits.length < limit; at += SETS_A_BATCH) {
    const batch = sets.slice(at, at + SETS_A_BATCH);
    const after =
      resume === undefined
        ? sql``
        : sql`and (package_set, image.id, coalesce(reference, '')) >
      (${resume[1]}::integer, ${resume[2]}::integer, ${resume[3]}::text)`;
    const matches = like === undefined ? sql`` : sql`and reference like ${like}`;
    const { rows: images } = await sql<{ package_set: number; id: number; digest: string; reference: string | null }>`
      select package_set, image.id, digest, reference
      from image left join image_reference on image_reference.image = image.id and until is null
      where package_set = any(${batch}::integer[]) ${after} ${matches}
      order by package_set, image.id, coalesce(reference, '')
      limit ${limit - hits.length}`.execute(reader);
    for (const row of images) {
      const reference = row.reference ?? undefined;
      hits.push({ version, set: row.package_set, image: row.id, digest: row.digest, reference });
    }
  }
  return hits;
}

/** Adds the lowest layer of each image that brought the version, and what runs the image. */
async function toRows(reader: DatabaseReader, name: string, hits: readonly Hit[]): Promise<readonly WhereRow[]> {
  const { rows } = await sql<{ image: number; version: number; diff_id: string }>`
    select distinct on (hit.image, hit.version) hit.image, hit.version, layer.diff_id
    from unnest(
      ${hits.map((hit) => hit.image)}::integer[], ${hits.map((hit) => hit.version.id)}::integer[]
    ) as hit (image, version)
    join image on image.id = hit.image
    cross join lateral unnest(image.layers) with ordinality as stack (layer, place)
    join layer_package on layer_package.package_version = hit.version and layer_package.layer = stack.layer
    join layer on layer.id = stack.layer
    order by hit.image, hit.version, stack.place`.execute(reader);
  const layers = new Map(rows.map((row) => [`${row.image}/${row.version}`, row.diff_id]));
  const workloads = await workloadsOf(reader, [...new Set(hits.map((hit) => hit.digest))]);
  return hits.map((hit) => ({
    package: name,
    version: hit.version.version,
    arch: hit.version.architecture,
    reference: hit.reference,
    digest: hit.digest,
    layer: layers.get(`${hit.image}/${hit.version.id}`),
    workloads: workloads.get(hit.digest) ?? [],
  }));
}

/** Running things by the digest they run. */
async function workloadsOf(
  reader: DatabaseReader,
  digests: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ digest: string; ids: string[] }>`
    select digest, array_agg(distinct id order by id) as ids from workload
    where digest = any(${digests}::text[]) group by digest`.execute(reader);
  return new Map(rows.map((row) => [row.digest, row.ids]));
}
