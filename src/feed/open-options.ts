import type { Clock, Progress } from '../base/index.ts';
import type { Keyring } from '../distro/index.ts';
import type { Failover } from './failover.ts';
import type { KeyFile } from './key-file.ts';
import type { Mirrors } from './mirrors.ts';
import type { NamedRepository } from './named-repository.ts';

export interface OpenRepositoriesOptions {
  /** `debian/trixie`. */
  readonly distribution: string;
  /** Distribution's own word: `amd64`. */
  readonly architecture: string;
  /** Default: all that are enabled by default (release, updates, security). */
  readonly pockets?: readonly string[];
  /** Default: `main`. */
  readonly components?: readonly string[];
  readonly mirrors: Mirrors;
  /** Instead of the pockets that are known of the distribution: these (rpm). */
  readonly repositories?: readonly NamedRepository[];
  /** Knows which mirrors failed; default: one for this call. */
  readonly failover?: Failover;
  /** Cache folder (`Home.cache`). */
  readonly cache: string;
  readonly clock?: Clock;
  /** Default: the keys that ship with heraklit. */
  readonly keyring?: Keyring;
  /** The same as files of any family: PEM (apk), or ASCII-armoured. */
  readonly keyFiles?: readonly KeyFile[];
  /** Keys of an image that names its own mirrors: believed where no others are known, for that image alone. */
  readonly imageKeys?: readonly KeyFile[];
  /** Takes unsigned and stale repositories. */
  readonly trusted?: boolean;
  /** Seconds since the epoch: repositories as they were then (deb), from what was recorded or a snapshot mirror. */
  readonly asOf?: number;
  /** Where past states lie; see `snapshotUrl`. */
  readonly snapshotMirror?: string;
  /** Packages with what they need and answer to, where an index is not read with that anyway (rpm). */
  readonly solving?: boolean;
  /** Uses the cache alone. */
  readonly offline?: boolean;
  /** Seconds for which a known state is taken as current without asking the mirror. Default 0. */
  readonly maxAge?: number;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** Rounds over the mirrors before giving up. Default 3. */
  readonly attempts?: number;
}
