/** What a name meant when its source was crawled last. */
export interface CrawlReferenceTable {
  readonly source: string;
  readonly reference: string;
  /** As the source says: of an index, where there are several platforms. */
  readonly digest: string;
  /** image.digest it was recorded as. */
  readonly image: string;
  readonly seen: Date;
}

/** A source that is crawled time and again. */
export interface CrawlStatusTable {
  readonly source: string;
  readonly next: Date;
  /** In a row. */
  readonly failures: number;
  readonly started: Date | null;
  readonly finished: Date | null;
  readonly succeeded: Date | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  /** Names seen so far, while it is crawled. */
  readonly progress: number | null;
  /** JSON text: counts of the last crawl that ended. */
  readonly report: string | null;
  /** Who crawls it, until when that holds unless it is renewed. */
  readonly owner: string | null;
  readonly lease: Date | null;
}

export interface CrawlSchema {
  readonly crawl_status: CrawlStatusTable;
  readonly crawl_reference: CrawlReferenceTable;
}
