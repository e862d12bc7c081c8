/** One file, link or empty folder of a source. */
export interface TreeEntry {
  /** Relative, as bytes: git's and Linux's file names need not be text. */
  readonly path: Buffer;
  readonly type: 'file' | 'symlink' | 'directory';
  readonly executable: boolean;
  readonly size: number;
  /** Content, or target of a link; exactly `size` bytes. */
  read(): Promise<Buffer>;
}
