import { type RawBuilder, sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { decodeCursor, encodeCursor, type Page, pageSize, toPage } from '../cursor.ts';
import { globToLike } from '../image-glob.ts';
import { byName, changeTotals, type ImageSets, languageSetsOf, type PackageChange } from './set-changes.ts';

export interface FleetChangesQuery {
  readonly from: Date;
  readonly to: Date;
  readonly imageGlob?: string;
  readonly limit?: number;
  readonly after?: string;
}

/** References that name another image, or that came or went, between two times. */
export interface FleetChangeCounts {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
}

/** One change of a package, and how many references it reached. */
export interface FleetPackageChange extends PackageChange {
  readonly images: number;
}

export interface MovedReference {
  readonly reference: string;
  /** Digest at the first time; undefined: it named nothing. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What every reference that moved meant at the two times; those that came back to where they were are left out. */
function moved({ from, to, imageGlob }: FleetChangesQuery): RawBuilder<unknown> {
  return sql`
    with touched as (
      select reference from image_reference where since > ${from}::timestamptz and since <= ${to}::timestamptz
      union
      select reference from image_reference where until > ${from}::timestamptz and until <= ${to}::timestamptz
    ),
    moved as materialized (
      select touched.reference, old.image as old, new.image as new
      from touched
      -- By reference, one index range each: what a planner without statistics makes of two joins takes seconds.
      left join lateral (
        select image from image_reference known where known.reference = touched.reference
          and since <= ${from}::timestamptz and (until is null or until > ${from}::timestamptz) limit 1
      ) old on true
      left join lateral (
        select image from image_reference known where known.reference = touched.reference
          and since <= ${to}::timestamptz and (until is null or until > ${to}::timestamptz) limit 1
      ) new on true
      where old.image is distinct from new.image
        ${imageGlob === undefined ? sql`` : sql`and touched.reference like ${globToLike(imageGlob)}`}
    )`;
}

/**
 * How the fleet differs between two times, package by package: the changes of most references first.
 * @throws INVENTORY_CURSOR_INVALID
 */
export async function fleetChanges(
  reader: DatabaseReader,
  query: FleetChangesQuery,
): Promise<Page<FleetPackageChange> & { readonly references: FleetChangeCounts }> {
  const limit = pageSize(query.limit);
  const [start] = query.after === undefined ? [0] : decodeCursor(query.after, ['number'] as const);
  const { rows } = await sql<{
    old_set: number | null;
    old_languages: number[];
    new_set: number | null;
    new_languages: number[];
    references: number;
  }>`
    ${moved(query)}
    select old.package_set as old_set, ${languageSetsOf('old')} as old_languages, new.package_set as new_set,
      ${languageSetsOf('new')} as new_languages, count(*)::integer as references
    from moved left join image old on old.id = moved.old left join image new on new.id = moved.new
    group by 1, 2, 3, 4`.execute(reader);
  const sets = (set: number | null, languages: readonly number[]): ImageSets | undefined =>
    set === null ? undefined : { package_set: set, language_sets: languages };
  const pairs = rows.map(
    (row) => [sets(row.old_set, row.old_languages), sets(row.new_set, row.new_languages)] as const,
  );
  // A reference that came or went is counted, its packages are not: nothing of it changed.
  const both = rows.flatMap((row, at) => {
    const [before, now] = pairs[at] as (typeof pairs)[number];
    return before === undefined || now === undefined ? [] : [{ pair: [before, now] as const, count: row.references }];
  });
  const totals = await changeTotals(reader, both);
  const sorted = totals
    .map(({ count: images, ...change }): FleetPackageChange => ({ ...change, images }))
    .sort((a, b) => b.images - a.images || byName(a, b));
  const end = start + limit;
  const count = (wanted: (pair: (typeof pairs)[number]) => boolean): number =>
    rows.reduce((sum, row, at) => sum + (wanted(pairs[at] as (typeof pairs)[number]) ? row.references : 0), 0);
  return {
    references: {
      added: count(([old]) => old === undefined),
      removed: count(([, now]) => now === undefined),
      changed: count(([old, now]) => old !== undefined && now !== undefined),
    },
    rows: sorted.slice(start, end),
    next: end < sorted.length ? encodeCursor([end]) : undefined,
  };
}

/** The references that moved, by name. @throws INVENTORY_CURSOR_INVALID */
export async function movedReferences(reader: DatabaseReader, query: FleetChangesQuery): Promise<Page<MovedReference>> {
  const limit = pageSize(query.limit);
  const [after] = query.after === undefined ? [''] : decodeCursor(query.after, ['string'] as const);
  const { rows } = await sql<{ reference: string; old: string | null; new: string | null }>`
    ${moved(query)}
    select moved.reference, old.digest as old, new.digest as new
    from moved left join image old on old.id = moved.old left join image new on new.id = moved.new
    where moved.reference > ${after}
    order by moved.reference limit ${limit + 1}`.execute(reader);
  const page = toPage(rows, limit, (row) => [row.reference]);
  return {
    next: page.next,
    rows: page.rows.map((row) => ({ reference: row.reference, from: row.old ?? undefined, to: row.new ?? undefined })),
  };
}
