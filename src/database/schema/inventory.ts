import type { Generated } from 'kysely';

/** A package of one ecosystem (`deb`) and architecture. */
export interface PackageTable {
  readonly id: Generated<number>;
  readonly ecosystem: string;
  readonly name: string;
  readonly architecture: string;
}

export interface PackageVersionTable {
  readonly id: Generated<number>;
  readonly package: number;
  readonly version: string;
  /** Position among the package's versions in the format's own order; equal versions share one. */
  readonly rank: number;
  readonly source: string;
  readonly source_version: string;
  /** rpm: stream of a module, `nodejs:18`. */
  readonly module: string | null;
}

/** The whole content of one package database; images with the same packages share it. */
export interface PackageSetTable {
  readonly id: Generated<number>;
  /** sha256 over its sorted packages. */
  readonly digest: string;
  /** package_version.id, ascending. */
  readonly versions: number[];
}

/** The sets that hold a package version, in ascending arrays; `chunk` is the first set of one. */
export interface PackageVersionSetsTable {
  readonly package_version: number;
  readonly chunk: number;
  readonly sets: number[];
}

/** Which package versions the images of a scope have. */
export interface ScopePackageTable {
  readonly scope: string;
  readonly package_version: number;
}

export interface LayerTable {
  readonly id: Generated<number>;
  readonly diff_id: string;
  /** Unpacked content. */
  readonly bytes: number;
  readonly entries: number;
}

export interface LayerPackageTable {
  readonly layer: number;
  readonly package_version: number;
}

/** Folders of files that fleets are asked for; '' is the root. */
export interface FileFolderTable {
  readonly id: Generated<number>;
  readonly path: string;
}

export interface FilePathTable {
  readonly id: Generated<number>;
  readonly folder: number;
  readonly name: string;
}

/** What a layer says about files: file_path.id, but file_folder.id of what it makes opaque. */
export interface LayerFilesTable {
  readonly layer: number;
  readonly notable: number[];
  /** Present too, and notable in other layers. */
  readonly other: number[];
  readonly hidden: number[];
  readonly opaque: number[];
  readonly folders: number[];
  /** Content digests of its files are known. */
  readonly hashed: boolean;
  readonly merged: string[];
}

export interface LayerSonameTable {
  readonly soname: string;
  readonly layer: number;
  readonly path: number;
}

/** Layers whose libraries were read. */
export interface LayerElfTable {
  readonly layer: number;
}

export interface LayerFileDigestTable {
  readonly digest: Buffer;
  readonly layer: number;
  readonly path: number;
}

export interface ImageTable {
  readonly id: Generated<number>;
  readonly digest: string;
  /** '' when unknown. */
  readonly distribution: string;
  readonly architecture: string;
  /** What update checks are a function of: `debian/trixie/amd64`; '' when the distribution is unknown. */
  readonly scope: string;
  readonly package_set: number;
  /** layer.id, bottom first. */
  readonly layers: number[];
  /** ChainID of the whole layer stack. */
  readonly chain: string | null;
  readonly base_digest: string | null;
  readonly base_name: string | null;
  readonly base_evidence: string | null;
  /** Compressed layers and config. */
  readonly bytes: number;
  readonly wasted_bytes: number;
  readonly created: Date | null;
  /** JSON text: what could not be read. */
  readonly incomplete: string;
  readonly recorded: Date;
}

/** Other digests that mean an image: of its configuration, and of indexes that name it. */
export interface ImageDigestTable {
  readonly digest: string;
  readonly image: number;
}

/** Packages of languages, a set for each layer that brought some; a version stands in one of an image's sets. */
export interface ImageLanguagesTable {
  readonly set: number;
  readonly image: number;
  /** Null: not known, or recorded before sets were by layer. */
  readonly layer: number | null;
}

/** ChainID of a stack whose layer_package rows are complete. */
export interface RecordedStackTable {
  readonly chain: Buffer;
}

/** Which image a reference meant, and from when until when. */
export interface ImageReferenceTable {
  readonly reference: string;
  readonly image: number;
  readonly since: Date;
  readonly until: Date | null;
}

export interface PackageCheckTable {
  readonly scope: string;
  readonly package_version: number;
  readonly checked: Date;
  /** Null: up to date. */
  readonly candidate: string | null;
  readonly candidate_architecture: string | null;
  readonly repository: string | null;
  readonly security: boolean;
  readonly severity: string | null;
  readonly advisories: string[];
  readonly since: Date | null;
  readonly first_seen: Date | null;
  /** JSON text: scores and statements that imported advisories add. */
  readonly explained: string | null;
}

export interface ScopeCheckTable {
  readonly scope: string;
  readonly distribution: string;
  readonly status: string;
  readonly reason: string;
  readonly checked: Date;
}

export interface ExposureTable {
  readonly package_set: number;
  readonly scope: string;
  readonly packages: number;
  readonly checked: number;
  readonly findings: number;
  readonly security: number;
  readonly oldest_critical: Date | null;
  readonly oldest_important: Date | null;
  /** package_version.id of the `findings`, rising. */
  readonly outdated: number[];
}

/** Which packages (package.id) are used, by the strongest that needs them; shared by images that use the same. */
export interface UsageSetTable {
  readonly id: Generated<number>;
  readonly digest: string;
  readonly entrypoint: number[];
  readonly executable: number[];
  readonly library: number[];
}

/** No row: recorded before usage was told, and not read again since. */
export interface ImageUsageTable {
  readonly image: number;
  readonly usage_set: number;
  /** Rules by which it was told. */
  readonly rules: number;
}

export interface InventorySchema {
  readonly image_digest: ImageDigestTable;
  readonly package: PackageTable;
  readonly package_version: PackageVersionTable;
  readonly package_set: PackageSetTable;
  readonly package_version_sets: PackageVersionSetsTable;
  readonly scope_package: ScopePackageTable;
  readonly layer: LayerTable;
  readonly layer_package: LayerPackageTable;
  readonly file_folder: FileFolderTable;
  readonly file_path: FilePathTable;
  readonly layer_files: LayerFilesTable;
  readonly layer_soname: LayerSonameTable;
  readonly layer_elf: LayerElfTable;
  readonly layer_file_digest: LayerFileDigestTable;
  readonly image: ImageTable;
  readonly image_reference: ImageReferenceTable;
  readonly package_check: PackageCheckTable;
  readonly scope_check: ScopeCheckTable;
  readonly exposure: ExposureTable;
  readonly image_languages: ImageLanguagesTable;
  readonly recorded_stack: RecordedStackTable;
  readonly usage_set: UsageSetTable;
  readonly image_usage: ImageUsageTable;
}
