import type { FileView } from './file-view.ts';

/** The port by which a family of distributions says which of its packages owns which file. */
export interface OwnedFilesSource {
  /** Is this a file that is kept for this purpose alone, and condensed? Databases that are captured anyway are not. */
  isFileList(path: string): boolean;
  /** What to keep of such a file: images have tens of megabytes of them. */
  condense(path: string, bytes: Buffer): Buffer;
  /** Every package with its files: paths below the root, no leading `/`; folders may stand among them. */
  owned(view: FileView): AsyncIterable<{ readonly owner: string; readonly paths: Iterable<string> }>;
}
