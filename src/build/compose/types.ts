import type { Log, Progress } from '../../base/index.ts';
import type { RepositorySnapshot } from '../../distro/index.ts';
import type { ResolvedImage } from '../../oci/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { LayerFactsReader } from '../layers/layer-facts.ts';
import type { BuiltImage } from '../types.ts';
import type { Lock, LockedPackage } from './lock-form.ts';

/** The image that a recipe's `from` names. */
export interface ComposeBase {
  /** As in the recipe; stands in the lock and in `org.opencontainers.image.base.name`. */
  readonly name: string;
  readonly image: ResolvedImage;
}

export interface ComposeRequest {
  readonly recipe: Recipe;
  /** Folder that the recipe's `files[].source` start from. */
  readonly directory: string;
  /** Folder that they must stay below; unlimited when undefined (the recipe is the caller's own). */
  readonly confine?: string;
  /** Debian's word, whatever the distribution: amd64, arm64, … */
  readonly architecture: string;
  /** Verified indexes of `debian/trixie`, say; asked for only when there is something to resolve. */
  repositories(distribution: string): Promise<readonly RepositorySnapshot[]>;
  /** Bytes of a package, from a cache or the repository it is in; verified again here. */
  fetchPackage(item: LockedPackage, signal?: AbortSignal): Promise<Uint8Array>;
  /** Of an earlier build: its packages are used when it still fits the recipe and the base. */
  readonly lock?: Lock;
  /**
   * True: packages are chosen anew even where the lock fits; `changes` still tells the difference to it. Names (patterns,
   * `src:` and a source package): these move to their newest version, with what they need, and all else stays.
   */
  readonly update?: boolean | readonly string[];
  /** True: a lock that does not fit is an error. */
  readonly locked?: boolean;
  readonly base?: ComposeBase;
  readonly store: BlobStore;
  /** Told what the layers written here hold, so that rebase, verify and inventory need not read them back. */
  readonly layers?: LayerFactsReader;
  /** `Home.cache`: package records, layer names, results of maintainer scripts. */
  readonly cache: string;
  /** `Home.scratch`: only a mount point is made here. */
  readonly scratch: string;
  readonly progress?: Progress;
  readonly log?: Log;
  readonly signal?: AbortSignal;
}

export interface ComposedImage extends BuiltImage {
  readonly lock: Lock;
  /**
   * Why maintainer scripts ran or need not run again; undefined where there are none. Not part of `reason`, which
   * events carry: it depends on what an earlier, perhaps killed, build left behind.
   */
  readonly scripts: string | undefined;
}
