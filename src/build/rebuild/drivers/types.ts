import type { Reference, ResolvedImage } from '../../../oci/index.ts';
import type { BuildSecret } from '../build-secret.ts';
import type { JobCache } from '../cache/types.ts';
import type { ReadDockerfile } from '../dockerfile/read.ts';

/** Runs a command where only the proxy can be reached. @returns its exit code */
export type RunInside = (argv: readonly string[], env: Readonly<Record<string, string>>) => Promise<number>;

/** What a recipe of any kind names besides its context. */
export interface RecipeNames {
  readonly uses: readonly { readonly name: string; readonly platform: string | undefined }[];
  readonly urls: readonly string[];
}

/** Bounds for all processes of a build together. */
export interface BuildLimits {
  /** Bytes; undefined: what the machine has. */
  readonly memory: number | undefined;
  readonly processes: number;
}

/** One build, everything it needs already here. */
export interface BuildJob<Recipe extends RecipeNames = ReadDockerfile> {
  readonly recipe: Recipe;
  readonly context: string;
  /** Text of a `.dockerignore`. */
  readonly ignore: string;
  /** Empty folder of this build alone. */
  readonly directory: string;
  /** Folder of this builder between builds. */
  readonly cache: string;
  /** Pinned images by name and platform (`imageKey`). */
  readonly images: ReadonlyMap<string, ResolvedImage>;
  /** `linux/amd64` */
  readonly platform: string;
  readonly target: string | undefined;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly secrets: readonly BuildSecret[];
  readonly ssh: readonly string[];
  /** Seconds since the epoch. */
  readonly epoch: number;
  /** The authority's certificate, PEM. */
  readonly certificate: string;
  readonly limits: BuildLimits;
  /** Of steps of other builds. */
  readonly stepCache: JobCache | undefined;
  readonly inside: RunInside;
  readonly signal?: AbortSignal | undefined;
}

/** What came out. */
export interface BuilderResult {
  readonly exitCode: number;
  /** In a layout folder or an archive; without a tag: the only image there. */
  readonly image: Reference;
  /** What it called the pinned images, by the keys of `images`. */
  readonly names: ReadonlyMap<string, string>;
}

/** A builder of Dockerfiles (Buildah, BuildKit) or of other recipes. */
export interface Builder<Recipe extends RecipeNames = ReadDockerfile> {
  readonly name: string;
  /** Undefined where it can run; else what is missing. */
  missing(): string | undefined;
  build(job: BuildJob<Recipe>): Promise<BuilderResult>;
}

export const imageKey = (name: string, platform: string): string => `${name} ${platform}`;
