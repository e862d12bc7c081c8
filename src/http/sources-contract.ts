/** `GET /api/v1/sources`: what is crawled time and again. Imports nothing, as `contract.ts`. */
export interface Sources {
  readonly sources: readonly {
    readonly source: string;
    /** `failed`: the last crawl did, and it is tried again at `next`. */
    readonly state: 'waiting' | 'crawling' | 'failed';
    readonly next: string;
    /** In a row. */
    readonly failures: number;
    readonly started: string | null;
    readonly finished: string | null;
    readonly succeeded: string | null;
    /** Why the last crawl failed as a whole. */
    readonly error: { readonly code: string; readonly message: string } | null;
    /** Names seen so far, while it is crawled. */
    readonly progress: number | null;
    /** What the last crawl that ended came to. */
    readonly last: {
      readonly listed: number;
      readonly unchanged: number;
      readonly known: number;
      readonly read: number;
      readonly ended: number;
      readonly skipped: number;
      readonly failed: number;
      readonly complete: boolean;
      readonly firstFailure?: { readonly reference: string; readonly code: string; readonly message: string };
    } | null;
  }[];
}
