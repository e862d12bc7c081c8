import { sql } from 'kysely';
import type { Database, DatabaseReader } from '../database/index.ts';
import type { CrawlReport } from './types.ts';

/** Counts of a crawl, with the first of what failed. */
export type CrawlCounts = Omit<CrawlReport, 'source' | 'failures'> & {
  readonly failed: number;
  readonly firstFailure?: { readonly reference: string; readonly code: string; readonly message: string };
};

export interface CrawlStatus {
  readonly source: string;
  /** `waiting` for its time, `crawling` now, `failed` and waiting. */
  readonly state: 'waiting' | 'crawling' | 'failed';
  readonly next: Date;
  /** In a row. */
  readonly failures: number;
  readonly started: Date | undefined;
  readonly finished: Date | undefined;
  readonly succeeded: Date | undefined;
  /** Of the last crawl, where it failed as a whole. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
  /** Names seen so far, while it is crawled. */
  readonly progress: number | undefined;
  readonly last: CrawlCounts | undefined;
}

/** Every source that a fleet file names, or named, by name. */
export async function crawlStatuses(reader: DatabaseReader, now: Date): Promise<readonly CrawlStatus[]> {
  const rows = await reader.selectFrom('crawl_status').selectAll().orderBy('source').execute();
  return rows.map((row) => {
    const crawling = row.lease !== null && row.lease > now;
    return {
      source: row.source,
      state: crawling ? 'crawling' : row.failures > 0 ? 'failed' : 'waiting',
      next: row.next,
      failures: row.failures,
      started: row.started ?? undefined,
      finished: row.finished ?? undefined,
      succeeded: row.succeeded ?? undefined,
      error: row.error_code === null ? undefined : { code: row.error_code, message: row.error_message ?? '' },
      progress: crawling ? (row.progress ?? 0) : undefined,
      last: row.report === null ? undefined : (JSON.parse(row.report) as CrawlCounts),
    };
  });
}

/** Milliseconds that a source is overdue when no server has it in its fleet file any more. */
const FORGOTTEN = 86_400_000;

/** Notes the sources that are to be crawled, sooner where their interval became shorter, and forgets those of nobody. */
export async function noteSources(
  database: Database,
  sources: readonly { readonly name: string; readonly interval: number }[],
  now: Date,
): Promise<void> {
  const names = sources.map(({ name }) => name);
  const latest = sources.map(({ interval }) => new Date(now.getTime() + interval * 1_000));
  await database.transaction(async (trx) => {
    await sql`
      delete from crawl_status where not source = any(${names}::text[])
        and next < ${new Date(now.getTime() - FORGOTTEN)}::timestamptz`.execute(trx);
    await sql`
      insert into crawl_status (source, next, failures)
      select source, ${now}::timestamptz, 0 from unnest(${names}::text[]) as source
      order by source on conflict do nothing`.execute(trx);
    await sql`
      update crawl_status set next = wanted.latest
      from unnest(${names}::text[], ${latest}::timestamptz[]) as wanted (source, latest)
      where crawl_status.source = wanted.source and failures = 0 and next > wanted.latest`.execute(trx);
  });
}

export interface Turn {
  /** It is ours now. */
  readonly mine: boolean;
  readonly failures: number;
  readonly next: Date;
}

/** Takes a source whose time has come and that no other server is at. */
export async function takeTurn(
  database: Database,
  source: string,
  owner: string,
  now: Date,
  lease: Date,
): Promise<Turn | undefined> {
  return database.transaction(async (trx) => {
    const { rows } = await sql<{ failures: number; next: Date; lease: Date | null }>`
      select failures, next, lease from crawl_status where source = ${source} for update`.execute(trx);
    const [row] = rows;
    if (row === undefined) return undefined;
    const mine = row.next <= now && (row.lease === null || row.lease <= now);
    if (mine) {
      await sql`
        update crawl_status set owner = ${owner}, lease = ${lease}::timestamptz, started = ${now}::timestamptz, progress = 0
        where source = ${source}`.execute(trx);
    }
    return { mine, failures: row.failures, next: row.next };
  });
}

/** @returns false where another server took it over meanwhile */
export async function renewTurn(
  database: Database,
  source: string,
  owner: string,
  progress: number,
  lease: Date,
): Promise<boolean> {
  const { rows } = await database.transaction((trx) =>
    sql<{ source: string }>`
      update crawl_status set lease = ${lease}::timestamptz, progress = ${progress}
      where source = ${source} and owner = ${owner} returning source`.execute(trx),
  );
  return rows.length > 0;
}

export interface TurnEnd {
  readonly now: Date;
  readonly next: Date;
  readonly outcome:
    | { readonly kind: 'crawled'; readonly report: CrawlReport }
    | { readonly kind: 'failed'; readonly failures: number; readonly code: string; readonly message: string }
    /** The server ends: the next one goes on at once. */
    | { readonly kind: 'interrupted' };
}

export async function endTurn(
  database: Database,
  source: string,
  owner: string,
  { now, next, outcome }: TurnEnd,
): Promise<void> {
  const told =
    outcome.kind === 'crawled'
      ? sql`failures = 0, error_code = null, error_message = null, finished = ${now}::timestamptz,
          succeeded = ${now}::timestamptz, report = ${JSON.stringify(countsOf(outcome.report))}, `
      : outcome.kind === 'failed'
        ? sql`failures = ${outcome.failures}, error_code = ${outcome.code}, error_message = ${outcome.message},
            finished = ${now}::timestamptz, `
        : sql``;
  await database.transaction((trx) =>
    sql`update crawl_status set ${told} owner = null, lease = null, progress = null, next = ${next}::timestamptz
      where source = ${source} and owner = ${owner}`.execute(trx),
  );
}

function countsOf({ source: _, failures, ...counts }: CrawlReport): CrawlCounts {
  const [first] = failures;
  if (first === undefined) return { ...counts, failed: 0 };
  const { reference, code, message } = first;
  return { ...counts, failed: failures.length, firstFailure: { reference, code, message } };
}
