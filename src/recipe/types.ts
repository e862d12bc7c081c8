/** `kind: Image`: what an image is made of. Validated against `schemas/recipe.schema.json`. */
export interface Recipe {
  readonly apiVersion: 'heraklit/v1';
  readonly kind: 'Image';
  readonly name: string;
  /** `debian/trixie`; taken from the base when `from` is given. */
  readonly distribution?: string;
  /** Name of another recipe of the fleet, or an image reference. */
  readonly from?: string;
  /** In the words of the distribution's package manager: see `packageForms`. */
  readonly packages?: readonly string[];
  readonly recommends?: boolean;
  /** Which versions are preferred, as apt_preferences(5). */
  readonly pins?: readonly RecipePin[];
  /** Besides the distribution's own. */
  readonly repositories?: readonly RecipeRepository[];
  /** All repositories as they were then: a day (its end, UTC) or a time. */
  readonly asOf?: string;
  /** Names or patterns of packages that must not get into the image. */
  readonly exclude?: readonly string[];
  /** Names or patterns of packages whose locked version stays when the lock is updated. */
  readonly hold?: readonly string[];
  readonly files?: readonly RecipeFile[];
  readonly groups?: readonly RecipeGroup[];
  readonly users?: readonly RecipeUser[];
  /** A zone of tzdata, `Europe/Berlin`. */
  readonly timezone?: string;
  /** PEM files beside the recipe, one certificate each, that the image trusts besides Debian's. */
  readonly caCertificates?: readonly string[];
  /** `run`: maintainer scripts in a sandbox without network. `none`: no code runs (distroless style). */
  readonly scripts?: 'run' | 'none';
  readonly config?: RecipeRuntime;
  /** What must hold of the finished image; else the build fails and nothing is saved. */
  readonly checks?: readonly RecipeCheck[];
  readonly platforms?: readonly string[];
  readonly compression?: 'zstd' | 'gzip';
}

/** Debian: as a line of sources.list(5). apk: as a line of etc/apk/repositories; rpm: as `baseurl`. */
export interface RecipeRepository {
  /** For pins, the lock and messages. */
  readonly name: string;
  readonly url: string;
  /** Debian alone. One that ends in `/` is a folder without components. */
  readonly suite?: string;
  readonly components?: readonly string[];
  /** File with the public keys that sign it, beside the recipe. */
  readonly keyring?: string;
  /** True: unsigned and stale indexes are taken. */
  readonly trusted?: boolean;
  /** apk alone: only what is asked for as `name@tag`, and what that needs, comes from it. */
  readonly tag?: string;
}

export interface RecipePin {
  /** Names, patterns with `*` and `?`, `src:` and the name of a source package; `*` alone means every package. */
  readonly packages: readonly string[];
  /** With `*` for any text. */
  readonly version?: string;
  /** A pocket (release, updates, security, backports) or the name of one of the recipe's repositories. */
  readonly repository?: string;
  readonly suite?: string;
  readonly component?: string;
  readonly priority: number;
}

export interface RecipeFile {
  /** Absolute path in the image. */
  readonly path: string;
  /** Exactly one of `content`, `source` (path beside the recipe), `symlink`, `directory: true`. */
  readonly content?: string;
  /** A file; a folder, whose content goes below `path`; or a pattern (`conf.d/*.conf`, `**`), whose matches do. */
  readonly source?: string;
  /** Patterns of paths below a folder or pattern that are left out. */
  readonly exclude?: readonly string[];
  /** Octal text, of folders below `path`; `0755` by default. */
  readonly directoryMode?: string;
  readonly symlink?: string;
  readonly directory?: boolean;
  /** Octal text, `0644` by default (`0755` for a folder, and for what is executable below a `source` folder). */
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface RecipeGroup {
  readonly name: string;
  readonly gid: number;
}

/** Passwords are locked, always. */
export interface RecipeUser {
  readonly name: string;
  readonly uid: number;
  /** Default: the uid; a group of the user's name is made where there is none. */
  readonly gid?: number;
  /** Names of further groups: of the recipe, of packages, of the base. */
  readonly groups?: readonly string[];
  readonly home?: string;
  /** True: the home folder is made, for the user alone. */
  readonly createHome?: boolean;
  readonly shell?: string;
  /** What the account is for (GECOS). */
  readonly comment?: string;
  /** True: without password ageing, as `useradd --system`. */
  readonly system?: boolean;
}

/** Exactly one of `run` and `file`. */
export interface RecipeCheck {
  /** A program of the image and its arguments, run in a sandbox without network. */
  readonly run?: readonly string[];
  /** Exit code; 0 by default. */
  readonly exit?: number;
  /** Regular expressions that output must match. */
  readonly stdout?: string;
  readonly stderr?: string;
  /** Seconds; 60 by default. */
  readonly timeout?: number;
  /** Absolute path; links on the way are followed. */
  readonly file?: string;
  /** False: there must be none. */
  readonly exists?: boolean;
  readonly type?: 'file' | 'directory' | 'symlink';
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
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
