export interface RegistryLimits {
  /** Bytes of one manifest or index; the distribution specification asks for at least 4 MiB. */
  readonly manifestBytes: number;
  /** Bytes of one blob. */
  readonly blobBytes: number;
  /** Uploads under way at once. */
  readonly uploads: number;
  /** Milliseconds after which an upload nobody touches is dropped. */
  readonly uploadExpiry: number;
  /** Names in one page of a list, also when the client asks for more. */
  readonly pageSize: number;
  /** Bytes of one page of referrers: clients read no larger manifest, and such a page is one. */
  readonly referrersBytes: number;
  /** Tags that one push may set with `?tag=`. */
  readonly tagParameters: number;
  /** Bytes of manifests kept in memory. */
  readonly manifestCacheBytes: number;
  /** Milliseconds of waiting for a body's next bytes in which at least `bodyBytes` must come. */
  readonly bodyIdle: number;
  readonly bodyBytes: number;
}

export const DEFAULT_REGISTRY_LIMITS: RegistryLimits = {
  manifestBytes: 4 * 1024 * 1024,
  blobBytes: 64 * 1024 ** 3,
  uploads: 1_000,
  uploadExpiry: 3_600_000,
  pageSize: 10_000,
  referrersBytes: 2 * 1024 * 1024,
  tagParameters: 100,
  manifestCacheBytes: 64 * 1024 * 1024,
  bodyIdle: 30_000,
  bodyBytes: 4_096,
};
