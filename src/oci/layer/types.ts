import type { TarEntryType } from '../../archive/index.ts';
import type { Digest } from '../digest.ts';

/** One path a layer adds or changes. */
export interface LayerEntry {
  readonly path: string;
  readonly type: TarEntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  readonly linkName?: string;
  /** Hexadecimal; of files, where the index was asked to hash them. */
  readonly sha256?: string;
  /** `major:minor` of a device node. */
  readonly device?: string;
  /** Extended attributes, values in base64. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** What a layer does to the tree below it (image-spec layer.md); whiteout markers are not entries. */
export interface LayerIndex {
  readonly diffId: Digest;
  /** In the order of the archive; of a path that stands twice, the later one counts. */
  readonly entries: readonly LayerEntry[];
  /** Paths of lower layers that are hidden, with all below them (`.wh.NAME`). */
  readonly whiteouts: readonly string[];
  /** Folders whose content in lower layers is hidden (`.wh..wh..opq`). */
  readonly opaques: readonly string[];
  /** Of the uncompressed archive. */
  readonly bytes: number;
}
