import type { DatabaseTransaction } from '../../database/index.ts';
import type { Descriptor, Digest } from '../../oci/index.ts';

/** One manifest or index of a repository, as it is published. */
export interface CatalogueEntry {
  readonly repository: string;
  /** `artifactType` and `annotations` are what the referrers list shows of it. */
  readonly descriptor: Descriptor;
  readonly tag?: string;
  readonly subject?: Digest;
  /** Blobs (config, layers) that the repository serves from now on because this manifest names them. */
  readonly blobs: readonly Digest[];
  /**
   * Everything the manifest names but its subject: config and layers, children of an index. Where it is not given, as
   * for a manifest that is there already, collection reads the manifest itself.
   */
  readonly names?: readonly Descriptor[];
}

export interface Published {
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest;
  /** What the tag named before; undefined for a new tag, and without a tag. */
  readonly previous: Digest | undefined;
}

export interface PublishOptions {
  /** Writes inside this transaction instead of an own one: tag and event commit together. */
  readonly trx?: DatabaseTransaction;
  /**
   * Asked about each entry with a tag, with what the tag names now (undefined: nothing): false publishes none of them.
   * Decided under the tag's lock, so that of two clients that saw the same tag only one moves it.
   * @throws REGISTRY_PRECONDITION_FAILED
   */
  readonly when?: (current: Digest | undefined) => boolean;
  /**
   * Runs before the commit with the transaction that writes (undefined for the catalogue in memory): what it writes
   * commits with the tags, and when it throws nothing is published.
   */
  readonly within?: (published: readonly Published[], trx: DatabaseTransaction | undefined) => Promise<void>;
  /** Written after that, also before the commit. */
  readonly beside?: readonly Beside[];
}

/**
 * Rows that tell of a publication. Publications that share a transaction share a statement for them: `write` is called
 * once with the rows of all that name the same `write`.
 */
export interface Beside<Row = unknown> {
  rows(published: readonly Published[]): readonly Row[];
  write(rows: readonly Row[], trx: DatabaseTransaction | undefined): Promise<unknown>;
}

export interface Page {
  /** Most names wanted. */
  readonly n: number;
  /** Names after this one, in byte order. */
  readonly last?: string;
}

/** A page of referrers. */
export interface ReferrersPage extends Page {
  /** No more of them once those before weigh more than this; see `referrerWeight`. */
  readonly bytes: number;
}

/** Bytes that a descriptor takes in a list of referrers, nearly: what has no limit of its own is counted. */
export function referrerWeight({ artifactType = '', annotations }: Descriptor): number {
  const text = annotations === undefined ? '' : JSON.stringify(annotations);
  return REFERRER_BYTES + Buffer.byteLength(artifactType) + Buffer.byteLength(text);
}

/** Of the members whose length is limited. */
export const REFERRER_BYTES = 256;

/**
 * What a registry knows besides bytes: repositories, tags, manifests, which repository serves which blob, referrers.
 * Names are not checked here: the server and the publisher do. One contract suite serves every implementation.
 */
export interface RegistryCatalogue {
  /** Adds manifests, links their blobs, moves tags; all of it or nothing. A tag given twice ends at the later one. */
  publishMany(entries: readonly CatalogueEntry[], options?: PublishOptions): Promise<readonly Published[]>;
  putManifest(entry: CatalogueEntry, options?: PublishOptions): Promise<Published>;
  /** By tag or by digest: the descriptor as published. Sees every commit that came before the call. */
  resolve(repository: string, tagOrDigest: string): Promise<Descriptor | undefined>;
  /** Undefined when there is no such repository. */
  tags(repository: string, page: Page): Promise<readonly string[] | undefined>;
  repositories(page: Page): Promise<readonly string[]>;
  /** False when there was none, or `named` is given and is not what the tag names. */
  deleteTag(repository: string, tag: string, trx?: DatabaseTransaction, named?: Digest): Promise<boolean>;
  /** Tags on it go too. False when there was none. */
  deleteManifest(repository: string, digest: Digest, trx?: DatabaseTransaction): Promise<boolean>;
  /** Manifests whose `subject` is `digest`, whether or not that one exists, ordered by digest; all without `page`. */
  referrers(
    repository: string,
    digest: Digest,
    artifactType?: string,
    page?: ReferrersPage,
  ): Promise<readonly Descriptor[]>;
  /** True also counts as use: the link stays for the collector's grace. */
  hasBlob(repository: string, digest: Digest): Promise<boolean>;
  /** Some repositories that serve a blob, in byte order. */
  repositoriesWith(digest: Digest, n: number): Promise<readonly string[]>;
  /** @param size bytes, for what a repository uses; collection fills in what is not given */
  linkBlob(
    repository: string,
    digest: Digest,
    size?: number,
    /** Runs before the commit; when it throws the blob is not linked. Not with the catalogue in memory. */
    within?: (trx: DatabaseTransaction) => Promise<void>,
  ): Promise<void>;
  /**
   * The bytes stay in the store until nothing names them. False when there was no link, and with `unless: 'named'` when
   * a manifest of the repository names the blob.
   */
  unlinkBlob(repository: string, digest: Digest, unless?: 'named'): Promise<boolean>;
  /** Those of `digests` that the repository has neither as blob nor as manifest. */
  missing(repository: string, digests: readonly Digest[]): Promise<readonly Digest[]>;
}
