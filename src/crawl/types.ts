import type { Digest, ResolvedImage } from '../oci/index.ts';

/** A name that a source lists, and how to get at what it means. */
export interface FoundImage {
  readonly kind: 'image';
  /** What the inventory calls it. */
  readonly reference: string;
  /** As the source says, of an index where there are several platforms; undefined where it says nothing. */
  readonly digest: Digest | undefined;
  /** What the image is recorded as, where that is not the digest of the manifest that `open` reads. */
  readonly recordAs?: Digest;
  open(signal: AbortSignal): Promise<{ readonly image: ResolvedImage; close(): Promise<void> }>;
}

/** Part of a source that could not be listed, or an image that could not be read; the crawl goes on. */
export interface CrawlFailure {
  readonly kind: 'failed' | 'skipped';
  readonly reference: string;
  readonly code: string;
  readonly message: string;
}

/** Somewhere images are. */
export interface CrawlSource {
  /** `registry:HOST`, `engine:podman`, `kubernetes:CONTEXT`, `folder:/path`: what crawls are remembered by. */
  readonly name: string;
  /** Whether this crawl would list the name if it were there: what it leaves out is not taken for gone. */
  covers(reference: string): boolean;
  /** @throws where nothing can be listed at all */
  find(signal: AbortSignal): AsyncIterable<FoundImage | CrawlFailure>;
  close(): Promise<void>;
}

/** What a crawl came to. */
export interface CrawlReport {
  readonly source: string;
  /** Names listed. */
  readonly listed: number;
  /** Names that mean what they meant last time: nothing but the digest was asked for. */
  readonly unchanged: number;
  /** Names that mean an image which the inventory knew from elsewhere: nothing was read. */
  readonly known: number;
  /** Images whose layers were looked at (those read before came from the cache). */
  readonly read: number;
  /** Names of the last crawl that are gone. */
  readonly ended: number;
  readonly skipped: number;
  readonly failures: readonly CrawlFailure[];
  /** False where it was interrupted, or a part could not be listed: nothing is taken for gone then. */
  readonly complete: boolean;
}
