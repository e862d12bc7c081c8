import type { RepositoryPackage } from '../../types.ts';
import type { ApkInstalledRecord } from '../installed-records.ts';

/** One package's step, in the order in which apk takes them; `from` and `to` the same: it stays. */
export interface ApkChange {
  readonly name: string;
  readonly from?: ApkInstalledRecord;
  /** What is installed in its place; undefined where it stays or goes. */
  readonly to?: RepositoryPackage;
  readonly stays: boolean;
}
