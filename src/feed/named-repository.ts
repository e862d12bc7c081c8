import type { Keyring } from '../distro/index.ts';
import type { KeyFile } from './key-file.ts';

/** A repository that a user names by its URL, because no distribution's layout leads to it. */
export interface NamedRepository {
  /** Unique among those of its distribution: `baseos`. */
  readonly name: string;
  /** Folders that hold it, best first; `{architecture}` stands for the distribution's word. */
  readonly urls: readonly string[];
  /** All that it offers are security updates. */
  readonly security?: boolean;
  /** Keys that sign its index. */
  readonly keyring?: Keyring;
  /** The same for apk: PEM. */
  readonly keyFiles?: readonly KeyFile[];
  /** Takes an unsigned index from anywhere. */
  readonly trusted?: boolean;
}
