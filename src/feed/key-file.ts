/** A file with public keys. */
export interface KeyFile {
  /** Without folders: apk's signatures name it. */
  readonly name: string;
  readonly content: string;
}
