import { sql } from 'kysely';
import { type DatabaseReader, plannedOnce } from '../../database/index.ts';
import { isLanguageEcosystem } from '../../language/versions/index.ts';
import { decodeCursor, type Page, pageSize, toPage } from '../cursor.ts';
import { globToLike } from '../image-glob.ts';
import type { LinkedBy, PackageUsage, UsageFilter } from '../usage/usage.ts';
import { SETS_PER_CHUNK } from './package-set.ts';
import { linkedBy, mayBeUsed } from './stored-usage.ts';

export interface PlacesQuery {
  readonly imageGlob?: string;
  /** Rows (one an image and reference) on a page. */
  readonly limit?: number;
  readonly after?: string;
  /** Only images that may use it so: also those of which that is not known, and those that run somewhere. */
  readonly usage?: UsageFilter;
  /** By which reports of hosts still count. */
  readonly now?: Date;
}

/** A package version that is looked for. */
export interface PlacedVersion {
  /** package_version.id */
  readonly version: number;
  /** `deb`, `npm`, …: a language's packages stand in sets of their own. */
  readonly ecosystem: string;
  /** Only images of this scope; undefined: of any. */
  readonly scope?: string;
}

/** An image that has it; how it is used is absent where that is not known. */
export interface Place extends Partial<PackageUsage> {
  /** image.id */
  readonly image: number;
  /** undefined where nothing names the image any more. */
  readonly reference: string | undefined;
  readonly digest: string;
  /** Layer (diff id) that brought the version; undefined when unknown. */
  readonly layer: string | undefined;
  /** Ids of the running things that use the image, sorted. */
  readonly workloads: readonly string[];
}

/** Sets that one statement looks at, at most: where a glob leaves few images, each look goes further. */
const MAX_SETS = 32_768;
const GROWTH = 8;
/** Up to here, layers of a page are looked up one by one. */
const FEW_ROWS = 1_000;

type Cursor = readonly [version: number, scope: string, set: number, image: number, reference: string];

/**
 * Images that have any of these versions: version by version in the order given, then by set, image and reference.
 * @throws INVENTORY_CURSOR_INVALID
 */
export async function placesOf<Entry extends PlacedVersion>(
  reader: DatabaseReader,
  entries: readonly Entry[],
  query: PlacesQuery,
): Promise<Page<{ readonly entry: Entry; readonly place: Place }>> {
  const limit = pageSize(query.limit);
  const like = query.imageGlob === undefined ? undefined : globToLike(query.imageGlob);
  let from: Cursor | undefined =
    query.after === undefined
      ? undefined
      : decodeCursor(query.after, ['number', 'string', 'number', 'number', 'string'] as const);
  const found: Hit[] = [];
  // Every set has an image, so as many sets as rows fill a page; the statement ends when it is full.
  for (let budget = limit + 1; found.length <= limit; budget = Math.min(budget * GROWTH, MAX_SETS)) {
    const members = await membersFrom(reader, entries, from, budget);
    const last = members.at(-1);
    if (last === undefined) break;
    found.push(
      ...(await imagesOf(
        reader,
        members,
        entries,
        { like, usage: query.usage, now: query.now ?? new Date() },
        from,
        limit + 1 - found.length,
      )),
    );
    // Beyond every image of the last set.
    const entry = entries[last.entry] as Entry;
    from = [entry.version, entry.scope ?? '', last.set, Number.MAX_SAFE_INTEGER, ''];
  }
  const page = toPage(found, limit, (hit) => {
    const { version, scope = '' } = entries[hit.entry] as Entry;
    return [version, scope, hit.set, hit.image, hit.reference ?? ''];
  });
  return {
    next: page.next,
    rows: page.rows.map((hit) => ({
      entry: entries[hit.entry] as Entry,
      place: {
        image: hit.image,
        reference: hit.reference ?? undefined,
        digest: hit.digest,
        layer: hit.layer ?? undefined,
        workloads: hit.workloads ?? [],
        ...usageOf(hit.linked),
      },
    })),
  };
}

/** A package set that holds a version; `entry` is the version's place in the list. */
interface Member {
  readonly entry: number;
  readonly set: number;
}

/** The next sets in order, `budget` of them where there are as many. */
async function membersFrom(
  reader: DatabaseReader,
  entries: readonly PlacedVersion[],
  from: Cursor | undefined,
  budget: number,
): Promise<readonly Member[]> {
  const start =
    from === undefined ? 0 : entries.findIndex(({ version, scope = '' }) => version === from[0] && scope === from[1]);
  const wanted = start < 0 ? [] : entries.slice(start);
  if (wanted.length === 0) return [];
  const resume =
    from === undefined ? sql`` : sql`where not (place = 1 and sets[cardinality(sets)] < ${from[2]}::bigint)`;
  const { rows } = await sql<{ place: number; sets: number[] }>`${plannedOnce}
    select place, sets from (
      select place, chunk, sets,
        sum(cardinality(sets)) over (order by place, chunk rows unbounded preceding) - cardinality(sets) as before
      from unnest(${wanted.map(({ version }) => version)}::integer[]) with ordinality as wanted (version, place)
      join package_version_sets on package_version_sets.package_version = wanted.version
      ${resume}
    ) listed
    -- The array that a page ended in counts, though part of it is done: hence one array's length on top.
    where before < ${budget + (from === undefined ? 0 : SETS_PER_CHUNK)}::integer
    order by place, chunk`.execute(reader);
  const members = rows.flatMap(({ place, sets }) => sets.map((set) => ({ entry: start + Number(place) - 1, set })));
  if (from === undefined) return members.slice(0, budget);
  const [, , set, image] = from;
  const isDone = (member: Member): boolean =>
    member.entry === start && (member.set < set || (member.set === set && image === Number.MAX_SAFE_INTEGER));
  return members.filter((member) => !isDone(member)).slice(0, budget);
}

interface Hit extends Member {
  readonly image: number;
  readonly digest: string;
  readonly reference: string | null;
  readonly layer: string | null;
  readonly workloads: readonly string[] | null;
  /** Null: not known. */
  readonly linked: LinkedBy | 'contained' | null;
}

const usageOf = (linked: Hit['linked']): Partial<PackageUsage> =>
  linked === null ? {} : linked === 'contained' ? { usage: 'contained' } : { usage: 'linked', linkedBy: linked };

/** Layer and users of a page's rows, one by one: joined, all layers of the fleet are read for a hundred rows. */
const lookedUp = sql`(select diff_id from layer where layer.id = page.layer) as layer,
  (select array_agg(distinct running.id order by running.id) from (
    select array(select image_digest.digest from image_digest where image_digest.image = page.image) || page.digest as digests
  ) own cross join lateral (
    select id from workload where digest = any(own.digests)
    union all select id from workload_replicas where digest = any(own.digests)) running) as workloads`;

/** The same for a long page, all at once. Users are those that the view workload_image tells. */
const joined = sql`left join layer on layer.id = page.layer
  left join (
    select named.image, array_agg(distinct running.id order by running.id) as workloads
    from (
      select image, digest from page
      union select image_digest.image, image_digest.digest from image_digest
        where image_digest.image in (select image from page)
    ) named
    join (select id, digest from workload union all select id, digest from workload_replicas) running
      on running.digest = named.digest
    group by named.image
  ) used on used.image = page.image`;

/**
 * Images of these sets with the lowest layer of each that brought the version, and what runs them. Ids come first, from
 * indexes alone and no more of a set than fill the page, since a popular set has thousands; then what is told of them.
 */
async function imagesOf(
  reader: DatabaseReader,
  members: readonly Member[],
  entries: readonly PlacedVersion[],
  {
    like,
    usage,
    now,
  }: { readonly like: string | undefined; readonly usage: UsageFilter | undefined; readonly now: Date },
  from: Cursor | undefined,
  limit: number,
): Promise<readonly Hit[]> {
  const first = members[0] as Member;
  const begun = from !== undefined && entries[first.entry]?.version === from[0] && first.set === from[2];
  const [startImage, startReference] = begun ? [from[3], from[4]] : [0, ''];
  const entryOf = ({ entry }: Member): PlacedVersion => entries[entry] as PlacedVersion;
  const scoped = entries.some(({ scope }) => scope !== undefined);
  const columns = [
    sql`${members.map(({ entry }) => entry)}::integer[]`,
    sql`${members.map((member) => entryOf(member).version)}::integer[]`,
    sql`${members.map((member) => isLanguageEcosystem(entryOf(member).ecosystem))}::boolean[]`,
    sql`${members.map(({ set }) => set)}::integer[]`,
    sql`${scoped ? members.map((member) => entryOf(member).scope ?? null) : []}::text[]`,
  ];
  const fits = sql`
    ${scoped ? sql`and (member.scope is null or scope = member.scope)` : sql``}
    ${usage === undefined ? sql`` : sql`and ${mayBeUsed(usage, sql`image.id`, sql`member.version`, now)}`}
    ${
      like === undefined
        ? sql``
        : sql`and exists (select from image_reference
            where image_reference.image = image.id and until is null and reference like ${like})`
    }`;
  // The image that the page before ended in may have no row left: one more. Written out, since of a parameter the planner
  // supposes a tenth of what there is, and reads whole sets.
  const more = sql.lit(limit + 1);
  const few = limit <= FEW_ROWS;
  const start = sql`case when place = 1 then ${startImage}::integer else 0 end`;
  const { rows } = await sql<Hit>`${like === undefined ? plannedOnce : sql``}
    with page as materialized (
      select place, entry, set, version, hit.image, digest, reference,
        coalesce(
          case when language then
            (select layer from image_languages own where own.set = hit.set and own.image = hit.image) end,
          (select layer from layer_package
            where package_version = version and layer_package.layer = any(image.layers)
            order by array_position(image.layers, layer) limit 1)) as layer
      from (
        select place, entry, version, language, set, image.id as image
        from unnest(${sql.join(columns)}) with ordinality as member (entry, version, language, set, scope, place)
        cross join lateral (
          (select id from image
            where not member.language and package_set = member.set and id >= ${start} ${fits}
            order by id limit ${more})
          union all
          (select image.id from image_languages own join image on image.id = own.image
            where member.language and own.set = member.set and own.image >= ${start} ${fits}
            order by own.image limit ${more})
        ) image
        order by place, image.id limit ${more}
      ) hit
      join image on image.id = hit.image
      -- A plan of its own (offset 0): without statistics, which the embedded database gathers only when told to, a join
      -- of few rows is expected, and every reference is compared with every image.
      left join lateral (
        select reference from image_reference where image_reference.image = hit.image and until is null offset 0
      ) named on true
      where (place > 1 or (hit.image, coalesce(reference, '')) > (${startImage}::integer, ${startReference}::text))
        ${like === undefined ? sql`` : sql`and reference like ${like}`}
      order by place, hit.image, coalesce(reference, '')
      limit ${limit}
    )
    select entry, set, page.image, digest, reference, ${few ? lookedUp : sql`layer.diff_id as layer, used.workloads`},
      ${linkedBy(sql`page.image`, sql`page.version`)} as linked
    from page ${few ? sql`` : joined}
    order by place, page.image, coalesce(reference, '')`.execute(reader);
  return rows;
}
