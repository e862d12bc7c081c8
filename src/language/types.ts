/** Where a language's packages come from; mostly the type in package URLs too (`purlOf`). `generic`: no registry. */
export type Ecosystem =
  | 'npm'
  | 'pypi'
  | 'maven'
  | 'golang'
  | 'cargo'
  | 'gem'
  | 'composer'
  | 'nuget'
  | 'cpan'
  | 'cran'
  | 'hex'
  | 'conda'
  | 'generic';

/** A package that a file tells of. */
export interface FoundPackage {
  readonly ecosystem: Ecosystem;
  /** As its registry spells it: `@scope/name`, `group:artifact`, `github.com/owner/module`, `vendor/name`. */
  readonly name: string;
  readonly version: string;
  /**
   * `installed`: its files are there, the file read is one of them. `declared`: a lock file names it, which says nothing
   * about its files.
   */
  readonly state: 'installed' | 'declared';
  /** Where inside the file it was found, outermost first: `BOOT-INF/lib/a.jar!/META-INF/maven/…`. */
  readonly within?: string;
  /** Of a declared package: path below the root where its files would be. */
  readonly at?: string;
  /** Needed for development alone, as the lock file says. */
  readonly dev?: true;
  /** How sure this is, where the file does not say it in so many words: told by a file name or an embedded text. */
  readonly guessed?: true;
  /** More that is known, by short words: `sha1` of a jar, `sum` of a Go module, `cpe` of a program, `replaces`, … */
  readonly details?: Readonly<Record<string, string>>;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a reader made of one file; all of it plain JSON, kept as long as the layer is known. */
export interface ReadResult {
  readonly packages?: readonly FoundPackage[];
  /** Anything else a reader has to say, in a shape of its own. */
  readonly facts?: Json;
  /** What it could not read: each is reported as incomplete. */
  readonly problems?: readonly string[];
}

export const NOTHING: ReadResult = {};

/** What is known of a file before its content comes. */
export interface ContentFile {
  /** Below the root, no leading `/`. */
  readonly path: string;
  /** Last part of the path. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Permission and set-id bits. */
  readonly mode: number;
}

/** Takes a file's content as it passes; chunks are valid only during the call. */
export interface ContentStream {
  write(chunk: Buffer): void;
  end(): ReadResult;
}

/** What a reader wants of a file: nothing, all of it in memory if it is not larger than this, or as a stream. */
export type Want = 'no' | { readonly kind: 'whole'; readonly limit: number } | { readonly kind: 'stream' };

/** Which files a reader is asked about. Whatever is cheap to test stands here, because a layer has 100,000 files. */
export interface FileSelection {
  /** Exact last parts of paths: `package.json`. */
  readonly names?: readonly string[];
  /** Ends of last parts from their last dot on: `.jar`. */
  readonly extensions?: readonly string[];
  /** First bytes; asked about files with an execute bit only. */
  readonly magic?: readonly Buffer[];
  /** With `magic`: asked about files named like shared libraries (`libx.so.1`) too, which need no execute bit. */
  readonly libraries?: true;
}

/**
 * Reads one kind of file. Never throws for what a file holds; what it throws all the same is reported as incomplete.
 * Its bytes may come from anywhere: limits are its own business.
 */
export interface ContentReader {
  /** Also the word for evidence: `package.json`, `dist-info`, `go-buildinfo`. */
  readonly id: string;
  /** Counts up whenever the result for some file changes: layers are read again then. */
  readonly version: number;
  readonly files: FileSelection;
  /** @param head first bytes of the file (up to `HEAD_BYTES`) where it was chosen by magic, else empty */
  wants(file: ContentFile, head: Buffer): Want;
  /** For `whole`. The bytes are valid only during the call, unless the reader is `deferred`. */
  read?(file: ContentFile, bytes: Buffer): ReadResult | Promise<ReadResult>;
  /** For `stream`. */
  open?(file: ContentFile): ContentStream;
  /** `read` is called after the layer has passed, may take its time and load libraries. */
  readonly deferred?: true;
}

/** What one reader made of one file. */
export interface FileFinding extends ReadResult {
  /** `ContentReader.id` */
  readonly reader: string;
  readonly path: string;
}
