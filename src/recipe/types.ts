/** `kind: Image`: what an image is made of. Validated against `schemas/recipe.schema.json`. */
export interface Recipe {
  readonly apiVersion: 'heraklit/v1';
  readonly kind: 'Image';
  readonly name: string;
  /** `debian/trixie`; taken from the base when `from` is given. */
  readonly distribution?: string;
  /** Name of another recipe of the fleet, or an image reference. */
  readonly from?: string;
  /** `name`, `name=version`, `name:arch`. */
  readonly packages?: readonly string[];
  readonly recommends?: boolean;
  readonly files?: readonly RecipeFile[];
  readonly users?: readonly RecipeUser[];
  /** `run`: maintainer scripts in a sandbox without network. `none`: no code runs (distroless style). */
  readonly scripts?: 'run' | 'none';
  readonly config?: RecipeRuntime;
  readonly platforms?: readonly string[];
  readonly compression?: 'zstd' | 'gzip';
}

export interface RecipeFile {
  /** Absolute path in the image. */
  readonly path: string;
  /** Exactly one of `content`, `source` (path beside the recipe), `symlink`, `directory: true`. */
  readonly content?: string;
  readonly source?: string;
  readonly symlink?: string;
  readonly directory?: boolean;
  /** Octal text, `0644` by default (`0755` for a folder). */
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface RecipeUser {
  readonly name: string;
  readonly uid: number;
  readonly gid?: number;
  readonly home?: string;
  readonly shell?: string;
}

/** OCI config words. */
export interface RecipeRuntime {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  /** `80/tcp` */
  readonly ports?: readonly string[];
  readonly workdir?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly stopsignal?: string;
}
