import type { Generated, GeneratedAlways } from 'kysely';

export interface RegistryRepositoryTable {
  readonly id: GeneratedAlways<number>;
  readonly name: string;
}

/** A manifest or index that a repository serves; its bytes lie in the blob store. */
export interface RegistryManifestTable {
  readonly repository: number;
  readonly digest: string;
  readonly media_type: string;
  readonly size: number;
  readonly subject: string | null;
  readonly artifact_type: string | null;
  /** JSON object, as the referrers list shows it. */
  readonly annotations: string | null;
  readonly pushed: Generated<Date>;
  /** Digests it names (config, layers, children, subject); null while nobody has looked. */
  readonly names: string[] | null;
}

export interface RegistryTagTable {
  readonly repository: number;
  readonly name: string;
  readonly digest: string;
  readonly updated: Generated<Date>;
}

/** Which blobs a repository serves. */
export interface RegistryBlobTable {
  readonly repository: number;
  readonly digest: string;
  /** Bytes; null while nobody has looked. */
  readonly size: number | null;
  /** When a client last counted on it, to within an hour. */
  readonly touched: Generated<Date>;
}

/** A blob that a collection under way looks at; what is left in the end is deleted. */
export interface RegistryCandidateTable {
  readonly run: string;
  readonly digest: string;
  readonly size: number;
}

/** Row types of migrations/002-registry.ts. */
export interface RegistrySchema {
  readonly registry_repository: RegistryRepositoryTable;
  readonly registry_manifest: RegistryManifestTable;
  readonly registry_tag: RegistryTagTable;
  readonly registry_blob: RegistryBlobTable;
  readonly registry_candidate: RegistryCandidateTable;
}
