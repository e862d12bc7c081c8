/** One thing a build fetched, as its lock names it. */
export interface LockedResource {
  /** As the build asked for it, without user and password. */
  readonly url: string;
  /** What the client asked for where the answer depends on it (npm's short and long form). */
  readonly accept?: string;
  /** 200 where it is left out; answers such as 404 and redirects are locked too. */
  readonly status?: number;
  readonly type?: string;
  readonly location?: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Who vouches for the bytes: a distribution's keyring, `https`, or `nobody` but the lock. */
  readonly by: string;
}

export interface Refusal {
  /** What it tried to reach: method and URL, or a host. */
  readonly what: string;
  readonly why: string;
}

export interface SnapshotRequest {
  readonly method: string;
  readonly url: URL;
  readonly accept: string | undefined;
  readonly agent: string;
  /** Passed on, never kept. */
  readonly authorization?: string | undefined;
}

/** What the proxy sends back. */
export type Answer =
  | {
      readonly kind: 'content';
      readonly status: number;
      readonly type: string | undefined;
      readonly location: string | undefined;
      readonly size: number | undefined;
      readonly body: AsyncIterable<Uint8Array>;
    }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string };

/** Answers what builds ask of the network: by recording it, or from a lock. */
export interface Snapshot {
  answer(request: SnapshotRequest, signal: AbortSignal): Promise<Answer>;
  /** Something that never became a request: a name looked up without the proxy, a certificate not believed. */
  note(refusal: Refusal): void;
  refusals(): readonly Refusal[];
}
