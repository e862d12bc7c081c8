import type { ApkChange, EcosystemId, InstalledPackage, RepositoryPackage } from '../../distro/index.ts';
import type { Digest, FlatTree, LayerIndex, ResolvedImage } from '../../oci/index.ts';
import type { RunLimits } from '../../runtime/sandbox/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { LayerFactsReader } from '../layers/layer-facts.ts';
import type { KnownPatch, PatchInputs, PatchMemory } from './patch-memory.ts';
import type { PatchRoot } from './patch-root.ts';
import type { PackageSource } from './prepare-packages.ts';

export interface PatchRequest {
  readonly image: ResolvedImage;
  /** Whose packages these are; default: deb. */
  readonly family?: EcosystemId;
  /** What its layers hold, bottom first; of an image that was patched before, its original's at least. */
  readonly indexes: readonly LayerIndex[];
  /** What is installed in the original. */
  readonly installed: readonly InstalledPackage[];
  /** What to bring in: the candidates, and what they newly depend on. */
  readonly upgrades: readonly RepositoryPackage[];
  /** apk: the solver's steps, packages that stay and that go among them. */
  readonly steps?: readonly ApkChange[];
  /** Names of packages that go because nothing needs them any more, or others take their place. */
  readonly removed?: readonly string[];
  /** Advisories these versions fix; they go into the manifest's annotations. */
  readonly advisories: readonly string[];
  /** The image's root where unpacking it was begun before; it stays the caller's to close. */
  readonly root?: Promise<PatchRoot> | undefined;
  /** Of the new layer; default: zstd for OCI images, gzip for Docker's. */
  readonly compression?: 'gzip' | 'zstd';
}

export interface PatchTools extends PackageSource {
  readonly store: BlobStore;
  readonly layers: LayerFactsReader;
  /** Folder in which the sandbox finds a mount point. */
  readonly scratch: string;
  /** What earlier patches made; without it everything runs again. */
  readonly memory?: PatchMemory;
  /** Of the image's package manager or one script, whichever runs. */
  readonly limits?: Partial<RunLimits>;
}

/** The image before any patch, and what is to become of it. */
export interface Original {
  readonly image: ResolvedImage;
  readonly source: string | Digest;
  readonly tree: FlatTree;
  readonly inputs: PatchInputs;
}

/**
 * A family's way to the layer: what the image's own package manager would have made of it. deb and rpm let that run in
 * the sandbox, apk's work is done here and only scripts run; where nothing can or must run, files are replaced.
 */
export interface PatchFamily {
  /** May a layer that this image's run makes serve others with the same system? */
  isShareable(tree: FlatTree): boolean;
  /** @throws PATCH_NO_DATABASE, PATCH_SCRIPTS_NEEDED, PATCH_FAILED, SANDBOX_UNAVAILABLE */
  makeLayer(request: PatchRequest, original: Original, tools: PatchTools): Promise<KnownPatch>;
}
