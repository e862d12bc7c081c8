import { type RawBuilder, sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { decodeCursor, type Page, pageSize, toPage } from '../cursor.ts';
import { globToLike } from '../image-glob.ts';
import type { Finding } from '../types.ts';
import { type FindingFilter, findingMatches, findingsOfSets, keyOfSet, type ScopedSet } from './findings-of-sets.ts';
import { FindingsWithUsage, readUsages, type UsageFilter, usageJoin } from './stored-usage.ts';

export interface OutdatedQuery extends FindingFilter {
  /** Only findings that are used so; of images whose usage is not known, all. */
  readonly usage?: UsageFilter;
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
  /** Those that were asked for; what the entry point is linked against first, security first, oldest first, then by name. */
  readonly findings: readonly Finding[];
}

/** Images looked at in one go where usage leaves some out. */
const LOOKED_AT = 2_000;

/** Named images with at least one finding that is asked for, by name. @throws INVENTORY_CURSOR_INVALID */
export async function outdatedAll(reader: DatabaseReader, query: OutdatedQuery = {}): Promise<Page<OutdatedImage>> {
  const limit = pageSize(query.limit);
  if (query.usage === undefined) return onePage(reader, query, limit);
  const rows: OutdatedImage[] = [];
  for (let after = query.after; rows.length <= limit; ) {
    const page = await onePage(reader, { ...query, ...(after === undefined ? {} : { after }) }, LOOKED_AT);
    rows.push(...page.rows.filter(({ findings }) => findings.length > 0));
    after = page.next;
    if (after === undefined) break;
  }
  return toPage(rows, limit, (row) => [row.reference]);
}

async function onePage(reader: DatabaseReader, query: OutdatedQuery, limit: number): Promise<Page<OutdatedImage>> {
  const [after] = query.after === undefined ? [''] : decodeCursor(query.after, ['string'] as const);
  // What is summed up decides one condition; not a date, and not two that may hold of two findings.
  const exact = query.since === undefined && (query.securityOnly !== true || query.severity === undefined);
  const { rows } = await sql<{
    reference: string;
    digest: string;
    distribution: string;
    scope: string;
    package_set: number;
    packages: number;
    usage_set: number | null;
  }>`
    ${exact ? sql`` : matchingSets(query)}
    select reference, digest, distribution, image.scope, image.package_set, exposure.packages,
      image_usage.usage_set
    from image_reference
    join image on image.id = image_reference.image
    ${usageJoin}
    join exposure on exposure.package_set = image.package_set and exposure.scope = image.scope
    ${exact ? sql`` : sql`join matching on matching.set = image.package_set and matching.scope = image.scope`}
    where until is null and reference > ${after} and findings > 0
      ${exposureMatches(query)}
      ${query.distribution === undefined ? sql`` : sql`and image.distribution = ${query.distribution}`}
      ${query.imageGlob === undefined ? sql`` : sql`and reference like ${globToLike(query.imageGlob)}`}
    order by reference limit ${limit + 1}`.execute(reader);
  const page = toPage(rows, limit, (row) => [row.reference]);
  const [findings, usages] = await Promise.all([
    findingsOfSets(reader, page.rows, query),
    readUsages(
      reader,
      page.rows.map((row) => row.usage_set),
    ),
  ]);
  const told = new FindingsWithUsage(usages, query.usage);
  return {
    next: page.next,
    rows: page.rows.map((row) => ({
      reference: row.reference,
      digest: row.digest,
      distribution: row.distribution,
      findings: told.of(keyOfSet(row), findings.get(keyOfSet(row)) ?? [], row.usage_set),
    })),
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
      select distinct member.set, scope
      from package_check
      join package_version_sets on package_version_sets.package_version = package_check.package_version
      cross join lateral unnest(sets) as member (set)
      where ${findingMatches(filter)}
    )`;
}

/** Findings recorded for one image; undefined when it is not in the inventory or was never checked. */
export async function findingsOfImage(reader: DatabaseReader, digest: string): Promise<readonly Finding[] | undefined> {
  const { rows } = await sql<ScopedSet & { usage_set: number | null }>`
    select image.package_set, image.scope, exposure.packages, image_usage.usage_set
    from image
    join exposure on exposure.package_set = image.package_set and exposure.scope = image.scope
    ${usageJoin}
    where digest = ${digest}`.execute(reader);
  const [image] = rows;
  if (image === undefined) return undefined;
  const [findings, usages] = await Promise.all([
    findingsOfSets(reader, [image]),
    readUsages(reader, [image.usage_set]),
  ]);
  const key = keyOfSet(image);
  return new FindingsWithUsage(usages).of(key, findings.get(key) ?? [], image.usage_set);
}
