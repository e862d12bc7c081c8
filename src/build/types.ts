import type { Descriptor, Digest, ImageConfig, ImageManifest } from '../oci/index.ts';
import type { Strategy } from '../plan/index.ts';

export type { Strategy };

export interface PackageChange {
  readonly package: string;
  readonly architecture: string;
  /** Undefined when newly installed. */
  readonly from: string | undefined;
  /** Undefined when removed. */
  readonly to: string | undefined;
}

/** An image whose blobs all lie in the blob store, not yet named by a tag. */
export interface BuiltImage {
  readonly strategy: Strategy;
  /** Why this strategy, or why nothing changed; a sentence for people. */
  readonly reason: string;
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  readonly baseDigest: Digest | undefined;
  readonly changes: readonly PackageChange[];
  readonly advisoriesFixed: readonly string[];
  /** Of the lock that names every package it was made of. */
  readonly lockDigest?: Digest;
  /** What its strategy has to say of it in signed statements: type URI and content (the report of a rebase). */
  readonly predicates?: readonly { readonly type: string; readonly predicate: object }[];
  /** Strategies that were tried first and refused, each with why. */
  readonly passedOver?: readonly { readonly strategy: Strategy; readonly because: string }[];
  readonly statistics: BuildStatistics;
}

export interface BuildStatistics {
  /** Bytes of layer blobs that did not exist in the store before. */
  readonly bytesBuilt: number;
  /** Bytes of layer blobs the image shares with what was there. */
  readonly bytesShared: number;
  readonly layersBuilt: number;
  readonly layersShared: number;
  readonly milliseconds: number;
}
