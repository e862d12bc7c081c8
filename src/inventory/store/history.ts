import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { decodeCursor, type Page, pageSize, toPage } from '../cursor.ts';
import { changesBetween, type ImageSets, languageSetsOf, type PackageChange } from './set-changes.ts';

/** One image a reference meant. */
export interface HistoryRow {
  readonly digest: string;
  /** ISO 8601 */
  readonly since: string;
  /** undefined: it still does. */
  readonly until: string | undefined;
  readonly created: string | undefined;
  readonly base: string | undefined;
}

export interface HistoryQuery {
  readonly reference: string;
  readonly limit?: number;
  readonly after?: string;
}

interface Row extends ImageSets {
  readonly digest: string;
  readonly since: Date;
  readonly until: Date | null;
  readonly created: Date | null;
  readonly base_digest: string | null;
}

/** What a reference has meant, newest first. @throws INVENTORY_CURSOR_INVALID */
export async function imageHistory(
  reader: DatabaseReader,
  reference: string,
  limit = 100,
): Promise<readonly HistoryRow[]> {
  return (await rowsOf(reader, reference, undefined, limit)).map(toRow);
}

/** The same page by page, with what each image changed of the one before; undefined for the first there was. */
export async function historyWithChanges(
  reader: DatabaseReader,
  query: HistoryQuery,
): Promise<Page<HistoryRow & { readonly changes: readonly PackageChange[] | undefined }>> {
  const limit = pageSize(query.limit);
  const [before] = query.after === undefined ? [undefined] : decodeCursor(query.after, ['string'] as const);
  // One more than the page shows: what the last of it came from.
  const rows = await rowsOf(reader, query.reference, before, limit + 1);
  const page = toPage(rows, limit, (row) => [row.since.toISOString()]);
  const changes = await changesBetween(
    reader,
    page.rows.map((row, at) => [rows[at + 1], row]),
  );
  return {
    next: page.next,
    rows: page.rows.map((row, at) => ({
      ...toRow(row),
      changes: rows[at + 1] === undefined ? undefined : changes[at],
    })),
  };
}

async function rowsOf(
  reader: DatabaseReader,
  reference: string,
  before: string | undefined,
  limit: number,
): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    select digest, since, until, created, base_digest, package_set, ${languageSetsOf('image')} as language_sets
    from image_reference join image on image.id = image_reference.image
    where reference = ${reference} ${before === undefined ? sql`` : sql`and since < ${before}::timestamptz`}
    order by since desc limit ${limit}`.execute(reader);
  return rows;
}

function toRow(row: Row): HistoryRow {
  return {
    digest: row.digest,
    since: row.since.toISOString(),
    until: row.until?.toISOString(),
    created: row.created?.toISOString(),
    base: row.base_digest ?? undefined,
  };
}
