import { createHash } from 'node:crypto';
import type { ApkFile } from '../../../distro/index.ts';

/** What stands at a path, no link followed. */
export interface RootEntry {
  readonly type: ApkFile['type'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A script of a package, or of the image's owner, that is to run inside the root. */
export interface RootScript {
  /** For messages: `busybox 1.37.0-r9 post-upgrade`. */
  readonly name: string;
  readonly content: Buffer;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * A root that packages are installed into. Paths are real ones (`real`): no link is on the way to them.
 * `FlatRoot` is an image that nobody unpacked, in which nothing runs; `SandboxRoot` one in a sandbox's memory.
 */
export interface ApkRoot {
  /** The path with the links among its folders followed, inside the root. */
  real(path: string): string;
  entry(path: string): RootEntry | undefined;
  /** apk's hash (`Q1…`) of a file's content or a link's target; undefined for anything else. */
  hash(path: string, algorithm: 'sha1' | 'sha256'): string | undefined;
  /** Content of a file; undefined where there is none. */
  read(path: string): Uint8Array | undefined;
  /** Puts an entry in place of whatever stands there. */
  put(entry: ApkFile): void;
  /** Removes a file or link; what is not there is no error. */
  remove(path: string): void;
  /** Removes a folder that holds nothing. */
  removeFolder(path: string): void;
  /** @throws PATCH_FAILED, PATCH_SCRIPTS_NEEDED */
  run(script: RootScript): Promise<void>;
}

const HASH_BYTES = 20;

/** `Q1…`, as the package database keeps it. */
export const hashInWords = (content: Uint8Array | string, algorithm: 'sha1' | 'sha256'): string =>
  `Q1${createHash(algorithm).update(content).digest().subarray(0, HASH_BYTES).toString('base64')}`;
