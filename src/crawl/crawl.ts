import type { Progress } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import { type ImageContents, inspectImage, type LayerCache } from '../inventory/index.ts';
import { imagesWithUsage, type RecordImage, recordImages, refreshStatistics } from '../inventory/store/index.ts';
import type { Digest } from '../oci/index.ts';
import { Claims } from './claims.ts';
import { failureOf } from './failure.ts';
import { endGone, pointAtKnown, type Remembered, remember, remembered } from './store.ts';
import type { CrawlFailure, CrawlReport, CrawlSource, FoundImage } from './types.ts';

export interface CrawlOptions {
  readonly database: Database;
  readonly layerCache: LayerCache;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Images looked at side by side. */
  readonly concurrency: number;
  readonly now: () => Date;
}

/** Images that are recorded in one transaction; what is read and not yet recorded is read again after a kill. */
const BATCH = 50;

interface Read {
  readonly record: RecordImage;
  readonly name: Remembered;
}

/**
 * Puts every image of a source into the inventory. A name that means what it meant last time costs its digest alone; a
 * layer is read once, whatever images have it. Killed, it goes on with what was not recorded yet.
 * @throws what the source throws where it cannot be listed at all; DATABASE_…
 */
export async function crawl(source: CrawlSource, options: CrawlOptions): Promise<CrawlReport> {
  const reader = options.database.kysely;
  const before = await remembered(reader, source.name);
  const told = await imagesWithUsage(reader, [...new Set([...before.values()].map(({ image }) => image))]);
  const run = new CrawlRun(source, options, before, told);
  await run.readAll();
  return run.finish();
}

class CrawlRun {
  readonly #source: CrawlSource;
  readonly #options: CrawlOptions;
  readonly #before: ReadonlyMap<string, Remembered>;
  /** Images that are known with what they use; one recorded before that was told is looked at once more. */
  readonly #told: ReadonlySet<string>;
  readonly #claims = new Claims();
  readonly #seen = new Set<string>();
  readonly #failures: CrawlFailure[] = [];
  #batch: Read[] = [];
  #writing: Promise<void> = Promise.resolve();
  #unchanged = 0;
  #known = 0;
  #read = 0;
  #skipped = 0;
  #isListed = true;

  constructor(
    source: CrawlSource,
    options: CrawlOptions,
    before: ReadonlyMap<string, Remembered>,
    told: ReadonlySet<string>,
  ) {
    this.#source = source;
    this.#told = told;
    this.#options = options;
    this.#before = before;
  }

  /** As many workers as asked for take names off one list. */
  async readAll(): Promise<void> {
    const { signal, concurrency } = this.#options;
    const found = this.#source.find(signal)[Symbol.asyncIterator]();
    // One at a time asks for the next name: a generator answers in turns anyway.
    let turn: Promise<unknown> = Promise.resolve();
    const next = async (): Promise<FoundImage | CrawlFailure | undefined> => {
      const mine = turn.then(() => found.next());
      turn = mine.catch(() => undefined);
      const { done, value } = await mine;
      return done === true ? undefined : value;
    };
    const work = async (): Promise<void> => {
      for (let item = await next(); item !== undefined; item = await next()) {
        signal.throwIfAborted();
        if (item.kind === 'image') await this.#take(item);
        else this.#fail(item);
      }
    };
    const results = await Promise.allSettled(Array.from({ length: Math.max(1, concurrency) }, work));
    await this.#record();
    await this.#writing;
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async finish(): Promise<CrawlReport> {
    const isGone = (reference: string): boolean => !this.#seen.has(reference) && this.#source.covers(reference);
    const gone = this.#isListed ? [...this.#before.keys()].filter(isGone) : [];
    const { database, now } = this.#options;
    if (gone.length > 0) await database.transaction((trx) => endGone(trx, this.#source.name, gone, now()));
    // Queries are planned by what the tables hold; after a first crawl that is another order of magnitude.
    if (this.#read >= BATCH) await database.transaction(refreshStatistics);
    return {
      source: this.#source.name,
      listed: this.#seen.size,
      unchanged: this.#unchanged,
      known: this.#known,
      read: this.#read,
      ended: gone.length,
      skipped: this.#skipped,
      failures: this.#failures,
      complete: this.#isListed,
    };
  }

  #fail(failure: CrawlFailure): void {
    if (failure.kind === 'skipped') this.#skipped += 1;
    else {
      this.#failures.push(failure);
      // Part of the list is missing: what was not seen may be there.
      this.#isListed = false;
    }
  }

  async #take(item: FoundImage): Promise<void> {
    this.#seen.add(item.reference);
    this.#options.progress.update('crawling', this.#seen.size, 0, item.reference);
    const before = this.#before.get(item.reference);
    if (item.digest !== undefined && before?.digest === item.digest && this.#told.has(before.image)) {
      this.#unchanged += 1;
      return;
    }
    try {
      if (await this.#isKnown(item)) this.#known += 1;
      else await this.#look(item);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      const failure = failureOf(item.reference, error);
      if (failure.kind === 'skipped') this.#skipped += 1;
      else this.#failures.push(failure);
    }
  }

  async #isKnown({ reference, digest, recordAs }: FoundImage): Promise<boolean> {
    const image = recordAs ?? digest;
    if (image === undefined) return false;
    const { database, now } = this.#options;
    if ((await imagesWithUsage(database.kysely, [image])).size === 0) return false;
    return database.transaction(async (trx) => {
      if (!(await pointAtKnown(trx, reference, image, now()))) return false;
      await remember(trx, this.#source.name, [{ reference, digest: digest ?? image, image }], now());
      return true;
    });
  }

  async #look(item: FoundImage): Promise<void> {
    const { signal, layerCache, now } = this.#options;
    const { image, close } = await item.open(signal);
    try {
      const layers = image.manifest.layers.map((layer) => layer.digest).filter((digest) => !layerCache.has(digest));
      const release = await this.#claims.take(layers);
      let contents: ImageContents;
      try {
        contents = await inspectImage(image, { layerCache, signal, usage: true });
      } finally {
        release();
      }
      const digest: Digest = item.recordAs ?? image.digest;
      this.#batch.push({
        record: { digest, contents, reference: item.reference, now: now() },
        name: { reference: item.reference, digest: item.digest ?? image.digest, image: digest },
      });
      this.#read += 1;
    } finally {
      await close();
    }
    if (this.#batch.length >= BATCH) await this.#record();
  }

  /** One batch after the other: whoever fills the next one waits for the last. */
  async #record(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length === 0) return;
    const { database, now } = this.#options;
    const write = this.#writing.then(() =>
      database.transaction(async (trx) => {
        await recordImages(
          trx,
          batch.map(({ record }) => record),
        );
        await remember(
          trx,
          this.#source.name,
          batch.map(({ name }) => name),
          now(),
        );
      }),
    );
    this.#writing = write;
    await write;
  }
}
