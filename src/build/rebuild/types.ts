import type { Log } from '../../base/index.ts';
import type { Keyring } from '../../distro/index.ts';
import type { Digest, Platform, ResolvedImage } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { BuiltImage } from '../types.ts';
import type { BuildSecret } from './build-secret.ts';
import type { CachePlaces } from './cache/types.ts';
import type { Builder } from './drivers/types.ts';
import type { PlatformLock } from './lock.ts';
import type { ContentStore } from './snapshot/content-store.ts';
import type { Refusal } from './snapshot/types.ts';

/** `auto`: a lock that fits is kept to, else one is made. */
export type LockMode = 'auto' | 'locked' | 'update';

/** What to build, whatever its recipe: the same values give the same content, given the same lock and context. */
export interface RecipeRequest {
  /** Folder that COPY and ADD take from. */
  readonly context: string;
  /** What they leave out: text of a `.dockerignore`. */
  readonly ignore?: string;
  /** How to call the recipe in messages. */
  readonly name: string;
  readonly platform: Platform;
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Mounted into RUN instructions that ask for them, never part of anything that is kept. */
  readonly secrets?: readonly BuildSecret[];
  /** As builders take it: `default`, `ID=SOCKET`, `ID=KEY`. */
  readonly ssh?: readonly string[];
  readonly lock?: PlatformLock;
  readonly mode: LockMode;
  /** Seconds since the epoch; default: that of the lock, else now. */
  readonly epoch?: number;
  /** URLs, or their first parts, that the build may fetch (and lock) although they are no package repositories. */
  readonly allowed?: readonly string[];
  /** Locked content that this home lacks is not fetched. */
  readonly offline?: boolean;
  /** Seconds; 3600 by default. */
  readonly timeout?: number;
  /** Bytes; 64 MiB by default. */
  readonly outputLimit?: number;
  /** Bytes for all processes together; what the machine has by default. */
  readonly memory?: number;
  /** Processes at once; 8192 by default. */
  readonly processes?: number;
  /** Registries that hold steps of other builds. */
  readonly cache?: CachePlaces;
}

export interface RebuildRequest extends RecipeRequest {
  /** Text of the Dockerfile. */
  readonly dockerfile: string;
}

export interface KiwiRequest
  extends Omit<RecipeRequest, 'cache' | 'target' | 'buildArgs' | 'secrets' | 'ssh' | 'ignore'> {
  /** Text of the description. */
  readonly description: string;
  /** Its name in the context, which is its folder. */
  readonly file: string;
  /** Profiles to build; none: those that it imports by default. */
  readonly profiles?: readonly string[];
}

/** An image that can be read until it is closed. */
export type BaseImage = ResolvedImage & { close?(): Promise<void> };

export interface RecipeTools {
  readonly store: BlobStore;
  readonly content: ContentStore;
  /** Folder for what the builder keeps between builds; may be deleted at any time. */
  readonly cache: string;
  readonly scratch: string;
  readonly log: Log;
  /** Keys whose signatures on repositories are believed. */
  readonly keyrings: readonly Keyring[];
  /** @param digest when locked: exactly this image */
  base(name: string, platform: string, digest: Digest | undefined): Promise<BaseImage>;
  /** Where to ask for a URL of a repository, best first. */
  route(url: URL): readonly URL[];
  readonly signal?: AbortSignal;
  onLine?(line: string): void;
}

export interface RebuildTools extends RecipeTools {
  readonly builder: Builder;
}

export interface RebuiltImage extends BuiltImage {
  readonly lock: PlatformLock;
  /** The lock was made by this build, not kept to. */
  readonly recorded: boolean;
  /** What the build tried to reach and did not get. */
  readonly refused: readonly Refusal[];
}
