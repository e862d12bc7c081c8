import { setTimeout as sleep } from 'node:timers/promises';
import { asCodedError, HeraklitError, type Log, messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { LayerCache } from '../inventory/index.ts';
import { crawl } from './crawl.ts';
import { crawlError } from './errors.ts';
import { type Pace, waitAfter } from './schedule.ts';
import { endTurn, noteSources, renewTurn, takeTurn } from './status-store.ts';
import type { CrawlSource } from './types.ts';

/** A source that is crawled time and again. */
export interface ScheduledSource extends Pace {
  /** What its status is told under; no two have the same. */
  readonly name: string;
  readonly concurrency: number;
  open(): Promise<CrawlSource>;
}

export interface KeepCrawlingOptions {
  readonly database: Database;
  readonly layerCache: LayerCache;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** This server, among others on the same database. */
  readonly owner: string;
  readonly now?: () => Date;
  readonly random?: () => number;
  /** Milliseconds; for tests. */
  readonly timing?: Partial<Timing>;
}

/** Milliseconds. */
interface Timing {
  /** Between two looks whether a source's time has come. */
  readonly poll: number;
  /** Between two notes of how far a crawl is. */
  readonly beat: number;
  /** For which a server that says nothing keeps its turn. */
  readonly lease: number;
  /** Of one crawl; what is missing comes with the next. */
  readonly longest: number;
}

const TIMING: Timing = { poll: 15_000, beat: 15_000, lease: 120_000, longest: 6 * 3_600_000 };

/**
 * Crawls each source at its interval until the signal says to end. Sources know nothing of each other: one that is
 * away, hangs or cannot even be opened is tried again at growing intervals, and holds up no other. Of several servers
 * on a database one crawls a source at a time.
 */
export async function keepCrawling(sources: readonly ScheduledSource[], options: KeepCrawlingOptions): Promise<void> {
  const now = options.now ?? (() => new Date());
  await noteSources(options.database, sources, now());
  await Promise.all(sources.map((source) => keepOne(source, { ...TIMING, ...options.timing }, now, options)));
}

async function keepOne(
  source: ScheduledSource,
  timing: Timing,
  now: () => Date,
  options: KeepCrawlingOptions,
): Promise<void> {
  const { database, signal, log, owner } = options;
  while (!signal.aborted) {
    let wait = timing.poll;
    try {
      const lease = new Date(now().getTime() + timing.lease);
      const turn = await takeTurn(database, source.name, owner, now(), lease);
      // Forgotten by another server, which has another fleet file.
      if (turn === undefined) await noteSources(database, [source], now());
      else if (turn.mine) await oneTurn(source, turn.failures, timing, now, options);
      else wait = Math.min(timing.poll, Math.max(1, turn.next.getTime() - now().getTime()));
    } catch (error) {
      if (signal.aborted) return;
      log.error(`${source.name} cannot be crawled now: ${messageOf(error)}`);
    }
    await sleep(wait, undefined, { signal }).catch(() => undefined);
  }
}

async function oneTurn(
  source: ScheduledSource,
  failures: number,
  timing: Timing,
  now: () => Date,
  options: KeepCrawlingOptions,
): Promise<void> {
  const { database, owner, signal, log, random = Math.random } = options;
  const nextAfter = (count: number): Date => new Date(now().getTime() + waitAfter(source, count, random()) * 1_000);
  const lost = new AbortController();
  const ends = AbortSignal.any([signal, lost.signal, AbortSignal.timeout(timing.longest)]);
  let seen = 0;
  const beat = setInterval(() => {
    renewTurn(database, source.name, owner, seen, new Date(now().getTime() + timing.lease)).then(
      (isOurs) => {
        if (!isOurs) lost.abort(crawlError('CRAWL_TAKEN_OVER', `another server crawls ${source.name}`));
      },
      // The database is away: the crawl will notice, and so will who takes over.
      () => undefined,
    );
  }, timing.beat);
  try {
    const report = await crawlOnce(source, ends, options, now, (count) => {
      seen = count;
    });
    const outcome = { kind: 'crawled', report } as const;
    await endTurn(database, source.name, owner, { now: now(), next: nextAfter(0), outcome });
    const { listed, read, failures: failed } = report;
    log.info(`${source.name}: ${listed} names, ${read} images read, ${failed.length} failed`);
  } catch (error) {
    if (signal.aborted) {
      const outcome = { kind: 'interrupted' } as const;
      await endTurn(database, source.name, owner, { now: now(), next: now(), outcome }).catch(() => undefined);
      return;
    }
    const { code, message } = told(ends.aborted ? ends.reason : error);
    const outcome = { kind: 'failed', failures: failures + 1, code, message } as const;
    log.warn(`${source.name}: ${message} (${failures + 1} in a row)`);
    await endTurn(database, source.name, owner, { now: now(), next: nextAfter(failures + 1), outcome });
  } finally {
    clearInterval(beat);
  }
}

/** A source may hang where no signal reaches: then it is left to itself. */
async function crawlOnce(
  source: ScheduledSource,
  signal: AbortSignal,
  { database, layerCache }: KeepCrawlingOptions,
  now: () => Date,
  seen: (count: number) => void,
) {
  const run = async () => {
    const opened = await source.open();
    try {
      const progress = { update: (_step: string, done: number) => seen(done) };
      return await crawl(opened, {
        ...{ database, layerCache, signal, now, progress },
        concurrency: source.concurrency,
      });
    } finally {
      await opened.close().catch(() => undefined);
    }
  };
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  aborted.promise.catch(() => undefined);
  const running = run();
  running.catch(() => undefined);
  try {
    return await Promise.race([running, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function told(error: unknown): { readonly code: string; readonly message: string } {
  const coded = asCodedError(error);
  if (coded instanceof HeraklitError) return { code: coded.code, message: coded.message };
  if (error instanceof Error && error.name === 'TimeoutError') {
    return crawlError('CRAWL_TOO_LONG', 'the crawl took too long; the next goes on where it ended');
  }
  return { code: 'INTERNAL', message: messageOf(error) };
}
