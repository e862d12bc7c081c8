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

export interface CrawlSchema {
  readonly crawl_reference: CrawlReferenceTable;
}
