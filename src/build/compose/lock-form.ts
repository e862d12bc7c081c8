/** `web.yaml.lock`: exactly which packages an image is made of. No host names: only hashes decide. */
export interface Lock {
  readonly apiVersion: 'heraklit/v1';
  readonly kind: 'Lock';
  /** Digest of what the recipe asks of the solver; another one makes the lock stale. */
  readonly recipe: string;
  readonly distribution: string;
  readonly architecture: string;
  readonly base?: { readonly name: string; readonly digest: string };
  /** Seconds: newest time inside the locked packages; the image's creation time. */
  readonly epoch: number;
  /** What the recipe asked for, in words: from them drift is named. Older locks have none. */
  readonly asks?: readonly string[];
  readonly repositories: readonly LockedRepository[];
  /** Sorted by name and architecture; with a base, only what is added to it. */
  readonly packages: readonly LockedPackage[];
}

export interface LockedRepository {
  readonly id: string;
  readonly suite: string;
  readonly date: number;
  /** sha256 of the signed Release file. */
  readonly release: string;
}

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly repository: string;
  readonly filename: string;
  readonly size: number;
  readonly sha256: string;
  /** apk: what its index knows it by, hexadecimal. */
  readonly identity?: string;
}
