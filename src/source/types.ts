import type { Digest } from '../oci/index.ts';

/** Where credentials of a git server are; never the credentials themselves. At most one of the forms. */
export interface GitCredentials {
  /** Default: `x-access-token`, which forges take with any token. */
  readonly username?: string;
  /** Holds password or token, one line. */
  readonly passwordFile?: string;
  /** Environment variable with password or token. */
  readonly passwordEnv?: string;
  /** A git credential helper: the NAME of `git-credential-NAME`, or an absolute path. */
  readonly helper?: string;
  readonly sshKeyFile?: string;
  /** Keys of ssh servers; default: those of the user. Unknown servers are refused either way. */
  readonly knownHostsFile?: string;
}

export interface GitSource {
  /** `https://HOST/PATH`, `ssh://[USER@]HOST[:PORT]/PATH`, `USER@HOST:PATH`. */
  readonly url: string;
  /** Branch, tag, `refs/…` or a whole commit id; default: the server's HEAD. */
  readonly ref?: string;
  /** Folder of the repository that is the source. */
  readonly path?: string;
  /** True: those on the same server. A list: also those on the named hosts. */
  readonly submodules?: boolean | readonly string[];
  readonly credentials?: GitCredentials;
  /** PEM with the authorities of the server. */
  readonly caFile?: string;
  /** Plain http and git are allowed. */
  readonly insecure?: boolean;
}

export interface ArchiveSource {
  /** http(s) URL, or a path. */
  readonly location: string;
  /** Hexadecimal; needed for a URL. */
  readonly sha256?: string;
  /** Folder of the archive that is the source. */
  readonly path?: string;
}

export interface FolderSource {
  readonly folder: string;
}

export type Source =
  | { readonly kind: 'git'; readonly git: GitSource }
  | { readonly kind: 'archive'; readonly archive: ArchiveSource }
  | { readonly kind: 'folder'; readonly folder: FolderSource };

export interface Submodule {
  readonly path: string;
  readonly url: string;
  readonly commit: string;
}

/** A state of a source, kept in the home. */
export interface Revision {
  /** Names the source, whatever its ref: revisions of one source have the same. */
  readonly source: string;
  readonly kind: Source['kind'];
  /** URL or path, for people; no credentials. */
  readonly location: string;
  /** Folder within, '' for all of it. */
  readonly path: string;
  /** Full name, `refs/heads/main`; only of git. */
  readonly ref?: string;
  /** Only of git. */
  readonly commit?: string;
  /** Seconds since 1970 of the commit: what SOURCE_DATE_EPOCH is to be. */
  readonly committed?: number;
  /** Digest of the canonical archive of the files. */
  readonly tree: Digest;
  readonly files: number;
  readonly bytes: number;
  /** RFC 3339, when it was first stored. */
  readonly fetched: string;
  readonly submodules?: readonly Submodule[];
  /** What is to be told: LFS pointers, submodules left out. */
  readonly notes?: readonly string[];
}

/** What an image was made from, kept so that it can be made again. */
export interface SourceBuild {
  /** Of the fleet. */
  readonly image: string;
  /** Of the image's manifest. */
  readonly digest: Digest;
  readonly tree: Digest;
  readonly commit?: string;
  /** Path of the recipe or Dockerfile in the tree. */
  readonly recipe: string;
  /** Text of its lock. */
  readonly lock: string;
}

/** Most that is taken of one source. */
export interface SourceLimits {
  /** Of files, submodules included. */
  readonly bytes: number;
  readonly files: number;
  readonly fileBytes: number;
  /** That git may receive. */
  readonly fetchBytes: number;
  /** Milliseconds of one call of git. */
  readonly time: number;
  readonly submodules: number;
  readonly submoduleDepth: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_SOURCE_LIMITS: SourceLimits = {
  bytes: 1024 * MIB,
  files: 200_000,
  fileBytes: 256 * MIB,
  fetchBytes: 1024 * MIB,
  time: 10 * 60_000,
  submodules: 64,
  submoduleDepth: 4,
};
