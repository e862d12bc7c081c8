import type { ResolvedImage } from '../../../oci/index.ts';
import type { BuildSecret } from '../build-secret.ts';
import type { ReadDockerfile } from '../dockerfile/read.ts';

/** Runs a command where only the proxy can be reached. @returns its exit code */
export type RunInside = (argv: readonly string[], env: Readonly<Record<string, string>>) => Promise<number>;

/** One build, everything it needs already here. */
export interface BuildJob {
  readonly dockerfile: ReadDockerfile;
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
  readonly inside: RunInside;
  readonly signal?: AbortSignal | undefined;
}

/** What came out: one image in an OCI layout folder. */
export interface BuilderResult {
  readonly exitCode: number;
  readonly layout: string;
  /** Undefined: the only image there. */
  readonly tag: string | undefined;
  /** What it called the pinned images, by the keys of `images`. */
  readonly names: ReadonlyMap<string, string>;
}

/** A builder of Dockerfiles: Buildah, BuildKit. */
export interface Builder {
  readonly name: string;
  /** Undefined where it can run; else what is missing. */
  missing(): string | undefined;
  build(job: BuildJob): Promise<BuilderResult>;
}

export const imageKey = (name: string, platform: string): string => `${name} ${platform}`;
