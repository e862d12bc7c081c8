import type { Readable } from 'node:stream';

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

/** One header of a tar archive, normalised: path relative, no leading `./` or `/`, no trailing `/`. */
export interface TarHeader {
  /**
   * Bytes that are no UTF-8 stand as U+DC80…U+DCFF; `encodePath` gives them back.
   * '' is the archive's root folder itself.
   */
  readonly path: string;
  readonly type: TarEntryType;
  /** Permission and set-id bits only (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content; 0 for anything but a file. */
  readonly size: number;
  /** Seconds since the epoch, whole. */
  readonly mtime: number;
  /** Target of a symlink (verbatim) or hardlink (normalised like `path`). */
  readonly linkName?: string;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  /** Extended attributes (SCHILY.xattr.* pax records), values as raw bytes. */
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** An entry with its content still in the stream: read or skip it before asking for the next one. */
export interface TarEntry extends TarHeader {
  /** Whole content in memory. @throws ARCHIVE_LIMIT above `limit` bytes. */
  read(limit: number): Promise<Buffer>;
  stream(): Readable;
}

export interface ArchiveLimits {
  /** Bytes after decompression, content and headers together. */
  readonly bytes: number;
  readonly entries: number;
  /** Bytes of one path, after pax and GNU long names. */
  readonly pathLength: number;
  /** Path components. */
  readonly depth: number;
}
