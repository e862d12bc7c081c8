import { type RawBuilder, sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { decodeCursor, type Page, pageSize, toPage } from '../cursor.ts';
import { DEFAULT_GRADE_POLICY, type GradePolicy, supportedUntil } from '../grade-policy.ts';
import { globToLike } from '../image-glob.ts';
import type { Finding } from '../types.ts';
import type { UsageFilter } from '../usage/usage.ts';
import { type FindingFilter, findingMatches, findingsOfSets, keyOfSet, type ScopedSet } from './findings-of-sets.ts';
import { type CheckedRow, type GradedImage, gradedImage } from './graded-image.ts';
import { loadedContainers, runsSomewhere } from './loaded/loaded-in.ts';
import { FindingsWithUsage, readUsages, usageJoin } from './stored-usage.ts';

export interface OutdatedQuery extends FindingFilter {
  /** Only findings that are used so; of images whose usage is not known, all (but none is said to be loaded). */
  readonly usage?: UsageFilter;
  /** By which reports of hosts still count. */
  readonly now?: Date;
  readonly imageGlob?: string;
  /** `debian/trixie` */
  readonly distribution?: string;
  readonly limit?: number;
  readonly after?: string;
}

export interface OutdatedImage {
  readonly reference: string;
  readonly digest: string;
  readonly distribution: string;
  /** Those that were asked for; what runs and what the entry point is linked against first, security first, oldest first, then by name. */
  readonly findings: readonly Finding[];
}

/** Named images with at least one finding that is asked for, by name. @throws INVENTORY_CURSOR_INVALID */
export async function outdatedAll(reader: DatabaseReader, query: OutdatedQuery = {}): Promise<Page<OutdatedImage>> {
  const { matching, isOutdated } = outdatedSets(query);
  const runs = query.usage === 'loaded' ? sql`and ${runsSomewhere(sql`image.id`, query.now ?? new Date())}` : sql``;
  return filledPage(
    query,
    async (asked) => {
      const page = await namedImages<NamedImage>(reader, asked, { matching, condition: sql`${isOutdated} ${runs}` });
      const findings = await findingsOfImages(reader, page.rows, query);
      return { next: page.next, rows: page.rows.map((row, at) => outdatedImage(row, findings[at])) };
    },
    ({ findings }) => findings.length > 0,
  );
}

export interface AttentionQuery extends OutdatedQuery {
  readonly now: Date;
  readonly policy?: GradePolicy;
}

/**
 * The same, and images that nothing good can be said about: never checked, unsupported, or past their distribution's
 * support. With the grade of each. @throws INVENTORY_CURSOR_INVALID
 */
export async function needingAttention(
  reader: DatabaseReader,
  query: AttentionQuery,
): Promise<Page<OutdatedImage & GradedImage>> {
  const { now, policy = DEFAULT_GRADE_POLICY } = query;
  const { matching, isOutdated } = outdatedSets(query);
  const checked = await reader.selectFrom('scope_check').select('distribution').distinct().execute();
  const ended = checked.flatMap(({ distribution }) => {
    const until = supportedUntil(distribution, policy);
    return until !== undefined && now.getTime() / 1000 > until ? [distribution] : [];
  });
  const isWanted = sql`(${isOutdated} or scope_check.status is distinct from 'checked' or image.distribution = ''
    or exposure.checked is null or exposure.checked < exposure.packages or image.distribution = any(${ended}::text[]))`;
  return filledPage(
    query,
    async (asked) => {
      const page = await namedImages<NamedImage & CheckedRow>(reader, asked, {
        matching,
        condition: isWanted,
        grades: true,
      });
      const findings = await findingsOfImages(reader, page.rows, query);
      const rows = page.rows.map((row, at) => {
        return { ...outdatedImage(row, findings[at]), ...gradedImage(row, now, policy) };
      });
      return { next: page.next, rows };
    },
    ({ findings, status, grade }) => findings.length > 0 || status !== 'checked' || grade === 'F',
  );
}

/** Images looked at in one go where usage leaves some out. */
const LOOKED_AT = 2_000;

/** A page of what is wanted: usage is only known of what was read. */
async function filledPage<Row extends OutdatedImage>(
  query: OutdatedQuery,
  read: (query: OutdatedQuery) => Promise<Page<Row>>,
  isWanted: (row: Row) => boolean,
): Promise<Page<Row>> {
  if (query.usage === undefined) return read(query);
  const limit = pageSize(query.limit);
  const rows: Row[] = [];
  for (let after = query.after; rows.length <= limit; ) {
    const page = await read({ ...query, limit: LOOKED_AT, ...(after === undefined ? {} : { after }) });
    rows.push(...page.rows.filter(isWanted));
    after = page.next;
    if (after === undefined) break;
  }
  return toPage(rows, limit, (row) => [row.reference]);
}

function outdatedImage(row: NamedImage, findings: readonly Finding[] = []): OutdatedImage {
  return { reference: row.reference, digest: row.digest, distribution: row.distribution, findings };
}

/** Image by image. */
async function findingsOfImages(
  reader: DatabaseReader,
  images: readonly (ScopedSet & { readonly image: number; readonly usage_set: number | null })[],
  query: OutdatedQuery = {},
): Promise<readonly (readonly Finding[])[]> {
  const [findings, usages, containers] = await Promise.all([
    findingsOfSets(reader, images, query),
    readUsages(
      reader,
      images.map((image) => image.usage_set),
    ),
    loadedContainers(
      reader,
      images.map(({ image }) => image),
      query.now ?? new Date(),
    ),
  ]);
  const told = new FindingsWithUsage(usages, query.usage);
  return images.map((image) => {
    const key = keyOfSet(image);
    return told.of(key, findings.get(key) ?? [], image.usage_set, containers.get(image.image));
  });
}

interface NamedImage extends ScopedSet {
  readonly distribution: string;
  readonly reference: string;
  readonly digest: string;
  /** image.id */
  readonly image: number;
  readonly usage_set: number | null;
}

/** What `CheckedRow` is made from, beside the distribution. */
const gradedColumns = sql`, scope_check.status as scope_status, scope_check.reason, exposure.checked, oldest_critical,
  oldest_important, coalesce(exposure.packages,
    (select cardinality(versions) from package_set where package_set.id = image.package_set)) as packages`;

/** A page of references that name an image now, by name. */
async function namedImages<Row extends NamedImage>(
  reader: DatabaseReader,
  query: OutdatedQuery,
  {
    matching,
    condition,
    grades = false,
  }: { readonly matching: RawBuilder<unknown>; readonly condition: RawBuilder<unknown>; readonly grades?: boolean },
): Promise<Page<Row>> {
  const limit = pageSize(query.limit);
  const [after] = query.after === undefined ? [''] : decodeCursor(query.after, ['string'] as const);
  const { rows } = await sql<Row>`
    ${matching}
    select reference, image.id as image, image.digest, image.distribution, image.scope, image.package_set,
      image_usage.usage_set ${grades ? gradedColumns : sql``}
    from image_reference
    join image on image.id = image_reference.image
    ${usageJoin}
    ${grades ? sql`left` : sql``} join exposure on exposure.package_set = image.package_set and exposure.scope = image.scope
    ${grades ? sql`left join scope_check on scope_check.scope = image.scope` : sql``}
    where until is null and reference > ${after} and ${condition}
      ${query.distribution === undefined ? sql`` : sql`and image.distribution = ${query.distribution}`}
      ${query.imageGlob === undefined ? sql`` : sql`and reference like ${globToLike(query.imageGlob)}`}
    order by reference limit ${limit + 1}`.execute(reader);
  return toPage(rows, limit, (row) => [row.reference]);
}

/** A condition on exposure: the set has a finding that is asked for; and what that condition is written with. */
function outdatedSets(query: FindingFilter): {
  readonly matching: RawBuilder<unknown>;
  readonly isOutdated: RawBuilder<unknown>;
} {
  // What is summed up decides one condition; not a date, and not two that may hold of two findings.
  const exact = query.since === undefined && (query.securityOnly !== true || query.severity === undefined);
  if (exact) return { matching: sql``, isOutdated: sql`(findings > 0 ${exposureMatches(query)})` };
  return {
    matching: matchingSets(query),
    isOutdated: sql`(findings > 0 and (image.package_set, image.scope) in (select package_set, scope from matching))`,
  };
}

function exposureMatches({ securityOnly, severity }: FindingFilter): RawBuilder<unknown> {
  const severe =
    severity === undefined
      ? sql``
      : severity === 'critical'
        ? sql`and oldest_critical is not null`
        : sql`and (oldest_critical is not null or oldest_important is not null)`;
  return sql`${securityOnly === true ? sql`and security > 0` : sql``} ${severe}`;
}

function matchingSets(filter: FindingFilter): RawBuilder<unknown> {
  return sql`with matching as materialized (
      select package_set, scope from exposure
      where findings > 0 and exists (
        select from unnest(outdated) as version
        join package_check on package_check.scope = exposure.scope and package_check.package_version = version
        where ${findingMatches(filter)})
    )`;
}

/** Findings recorded for one image; undefined when it is not in the inventory or was never checked. */
export async function findingsOfImage(
  reader: DatabaseReader,
  digest: string,
  now = new Date(),
): Promise<readonly Finding[] | undefined> {
  const { rows } = await sql<ScopedSet & { image: number; usage_set: number | null }>`
    select image.package_set, image.scope, image_usage.usage_set, image.id as image
    from image
    join exposure on exposure.package_set = image.package_set and exposure.scope = image.scope
    ${usageJoin}
    where digest = ${digest}`.execute(reader);
  return rows.length === 0 ? undefined : (await findingsOfImages(reader, rows, { now }))[0];
}
