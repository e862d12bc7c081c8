import type { InstalledPackage } from '../distro/index.ts';
import type { FileView } from './file-view.ts';

/** What is known of a finished root. */
export interface InstalledFiles {
  readonly view: FileView;
  /** What its package database says is installed. */
  readonly packages: readonly InstalledPackage[];
}

/** The port by which a family of distributions says which of its packages owns which file. */
export interface OwnedFilesSource {
  /** Is this a file that is kept for this purpose alone, and condensed? Databases that are captured anyway are not. */
  isFileList(path: string): boolean;
  /** What to keep of such a file: images have tens of megabytes of them. */
  condense(path: string, bytes: Buffer): Buffer;
  /** Every package with its files: paths below the root, no leading `/`; folders may stand among them. */
  owned(root: InstalledFiles): AsyncIterable<{ readonly owner: string; readonly paths: Iterable<string> }>;
}
