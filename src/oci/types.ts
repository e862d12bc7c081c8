import type { Readable } from 'node:stream';
import type { Digest } from './digest.ts';

/** image-spec descriptor.md */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly artifactType?: string;
  readonly urls?: readonly string[];
}

export interface Platform {
  readonly os: string;
  /** GOARCH: amd64, arm64, … */
  readonly architecture: string;
  readonly variant?: string;
}

/** image-spec manifest.md */
export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** image-spec image-index.md */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** image-spec config.md, `config` member: what a runtime executes. */
export interface RuntimeConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** image-spec config.md */
export interface ImageConfig {
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly os: string;
  readonly config?: RuntimeConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
}

/** Anything blobs can be read from: a store, a registry, an archive. */
export interface BlobSource {
  /**
   * The bytes of a blob as they are stored (compressed where the media type says so).
   * The stream verifies itself: it errors with OCI_DIGEST_MISMATCH when the bytes do not hash to the digest.
   * @throws BLOB_MISSING (storage) when there is none
   */
  open(digest: Digest): Promise<Readable>;
  /** Each chunk of these streams is memory of its own, which its reader may give back before it is collected. */
  readonly ownChunks?: boolean;
}

/** One image for one platform, resolved from a reference, whatever it lies in. */
export interface ResolvedImage {
  /** Digest of `manifestBytes`. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly manifestBytes: Uint8Array;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  readonly blobs: BlobSource;
}
