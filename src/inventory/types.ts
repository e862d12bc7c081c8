import type {
  Distribution,
  EcosystemId,
  InstalledPackage,
  PackageDatabaseKind,
  UnsupportedPackage,
} from '../distro/index.ts';
import type { LanguagePackage } from '../language/index.ts';
import type { Digest, FlatTree, ImageConfig, LayerIndex } from '../oci/index.ts';
import type { NotAffected } from './explain.ts';
import type { NamedLibrary } from './library-names.ts';
import type { ImageUsage, PackageUsage } from './usage/usage.ts';

/** A package at one version, as small as it gets. */
export interface PackageRef {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
}

/** What a layer did to the package database below it. */
export interface PackageEffect {
  readonly added: readonly PackageRef[];
  readonly changed: readonly (PackageRef & { readonly from: string })[];
  readonly removed: readonly PackageRef[];
}

export interface LayerContents {
  /** Digest of the unpacked layer (config.rootfs.diff_ids). */
  readonly diffId: Digest;
  /** Digest of the blob as stored. */
  readonly digest: Digest;
  /** Bytes of the blob as stored. */
  readonly compressedBytes: number;
  /** Bytes of file contents, unpacked. */
  readonly bytes: number;
  readonly entries: number;
  readonly packages: PackageEffect;
  /** Bytes of this layer's files that later layers overwrite or delete: shipped, never seen. */
  readonly wastedBytes: number;
  /** The command that made it, from the config's history. */
  readonly createdBy: string | undefined;
}

/** Something that was there and could not be read; the scan went on without it. */
export interface IncompletePart {
  readonly path: string;
  readonly reason: string;
}

/** What is inside one image, or one root folder. */
export interface ImageContents {
  /** Manifest digest; undefined for a root folder. */
  readonly digest: Digest | undefined;
  readonly distribution: Distribution | undefined;
  /** The distribution's own word (`amd64`); the image config's where no package says it. */
  readonly architecture: string;
  /** `sbom`: no image was read, only a document on one. */
  readonly packageDatabase: PackageDatabaseKind | 'sbom';
  /** Format of the package database, whose order versions have; undefined where there is none. */
  readonly ecosystem: EcosystemId | undefined;
  /** Sorted by name, then architecture, then version. */
  readonly packages: readonly InstalledPackage[];
  /** Packages of languages, those of the distribution's packages included (`owner`); sorted by ecosystem and name. */
  readonly languagePackages: readonly LanguagePackage[];
  /** Bottom first; empty for a root folder. */
  readonly layers: readonly LayerContents[];
  /** Every path of the image; empty for a root folder. */
  readonly tree: FlatTree;
  /** What each layer does to the tree, bottom first; undefined for a root folder. */
  readonly indexes?: readonly LayerIndex[];
  /** Shared libraries of each layer, bottom first; undefined for a root folder. */
  readonly libraryNames?: readonly (readonly NamedLibrary[])[];
  /** The image's own package sources (etc/apt/sources.list, sources.list.d), for finding its mirrors. */
  readonly packageSources: readonly { readonly path: string; readonly bytes: Uint8Array }[];
  readonly incomplete: readonly IncompletePart[];
  /** Which packages are used; absent where it was not asked for, or cannot be told (an SBOM). */
  readonly usage?: ImageUsage;
  readonly config: ImageConfig | undefined;
  /** Other digests that mean it: of its configuration. */
  readonly alsoKnownAs?: readonly Digest[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** A container that runs files of a package now. */
export interface LoadedIn {
  /** Name of the machine. */
  readonly host: string;
  /** Id of the container. */
  readonly container: string;
  readonly name?: string;
  /** What runs; null where it was replaced and nobody knows what it was. */
  readonly version: string | null;
  /** Its files were replaced since: the container runs what is installed no more. */
  readonly restartDue: boolean;
  /** ISO 8601: when it was first seen to run there. */
  readonly since: string;
}

/** One installed package that a repository offers a newer version of; how it is used is absent where that is unknown. */
export interface Finding extends Partial<PackageUsage> {
  readonly package: string;
  /** The candidate's architecture, as apt shows it. */
  readonly arch: string;
  readonly installed: string;
  /** Architecture of the installed package; differs from `arch` when a package moved to or from `all`. */
  readonly installedArch: string;
  readonly candidate: string;
  /** `RepositorySnapshot.id` */
  readonly repository: string;
  readonly security: boolean;
  readonly severity: 'critical' | 'important' | 'other';
  /** CVE ids fixed after `installed`, up to `candidate`; sorted. */
  readonly advisories: readonly string[];
  /** ISO 8601: when the oldest missed version was published. */
  readonly since: string;
  /** Highest CVSS base score that imported advisories give one of `advisories`. */
  readonly score?: number;
  /** Those of `advisories` that a statement says are no issue here; absent where there are none. */
  readonly notAffected?: readonly NotAffected[];
  /** Where it runs now, as hosts report: `usage` is `loaded` then. */
  readonly loadedIn?: readonly LoadedIn[];
}

export type UpdateCheck =
  | {
      readonly kind: 'checked';
      readonly findings: readonly Finding[];
      /** Packages that the distribution itself no longer keeps secure; absent where it was not asked, or has none. */
      readonly unsupportedPackages?: readonly UnsupportedPackage[];
    }
  /** Nothing can be said, and why; never to be shown as "no findings". */
  | { readonly kind: 'unsupported'; readonly reason: string };

/** What update checks are a function of besides the package version: `debian/trixie/amd64`; '' when unknown. */
export function scopeOf(contents: Pick<ImageContents, 'distribution' | 'architecture'>): string {
  return contents.distribution === undefined ? '' : `${contents.distribution.name}/${contents.architecture}`;
}
