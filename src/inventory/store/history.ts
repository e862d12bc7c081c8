import type { DatabaseReader } from '../../database/index.ts';

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

/** What a reference has meant, newest first. */
export async function imageHistory(
  reader: DatabaseReader,
  reference: string,
  limit = 100,
): Promise<readonly HistoryRow[]> {
  const rows = await reader
    .selectFrom('image_reference')
    .innerJoin('image', 'image.id', 'image_reference.image')
    .select(['digest', 'since', 'until', 'created', 'base_digest'])
    .where('reference', '=', reference)
    .orderBy('since', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    digest: row.digest,
    since: row.since.toISOString(),
    until: row.until?.toISOString(),
    created: row.created?.toISOString(),
    base: row.base_digest ?? undefined,
  }));
}
