import type { TarHeader } from '../../archive/index.ts';
import type { Log } from '../../base/index.ts';

export interface SandboxOptions {
  /** An existing empty folder: mount point of the sandbox's memory file system. Nothing is ever written to it on disk. */
  readonly mountPoint: string;
  /** Bytes the sandbox may hold in memory: roots that were unpacked into it, and what commands write. */
  readonly size?: number;
  readonly log?: Log;
}

export interface RunLimits {
  /** Milliseconds of wall time; over it: everything the command started is killed and SANDBOX_TIMEOUT thrown. */
  readonly timeout: number;
  /** Bytes of standard output and error together. */
  readonly output: number;
  /** Processes and threads at a time, pid numbers on kernels before 6.14. */
  readonly processes: number;
  /** Bytes of memory of all processes together, and of what they write; where control groups can be made. */
  readonly memory: number;
  /** Bytes of the largest file a command may write. */
  readonly fileSize: number;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Fed to standard input; empty otherwise. A function is called once the command's process has been started. */
  readonly stdin?: string | Uint8Array | (() => string);
  /** Working folder inside, `/` by default. */
  readonly cwd?: string;
  /**
   * While this command runs, these contents (latin1: a character is a byte) stand in for programs, by absolute path. Reading the path gives the stand-in;
   * the command can neither change nor replace it. What is no plain file there is left alone.
   */
  readonly standIns?: ReadonlyMap<string, string>;
  readonly limits?: Partial<RunLimits>;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** Exit code; 128 + number when a signal ended the command. */
  readonly code: number;
  readonly signal: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface Sandbox {
  /**
   * A folder in the sandbox's memory, to be filled from outside and named in `mount`. The path goes through
   * /proc/<pid>/root, so it is gone when the sandbox is. Never follow links below it: they are the image's.
   */
  directory(name: string): Promise<string>;
  /**
   * Puts the folders (topmost first; names given to `directory`, or absolute host paths) under one writable layer.
   * Once per sandbox. @throws SANDBOX_UNAVAILABLE when the kernel refuses overlayfs
   */
  mount(lower: readonly string[]): Promise<void>;
  /**
   * In place of `mount`: an empty root in memory that notes what commands read. Gives the path to fill it through,
   * where nothing is noted. Once per sandbox.
   */
  recordedRoot(): Promise<string>;
  /**
   * The recorded root is filled: what is read and changed from now on counts. To be called before anything changes the
   * root: the function that this gives, which lists what is there. A command can be started meanwhile that waits for
   * its input before it does anything.
   */
  record(): Promise<() => void>;
  /** What commands read and changed since `record`. */
  recorded(): Promise<Recording>;
  /** Runs one command as root of the image. A failing command is a result, not an error. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Host-visible path of what commands wrote, in overlayfs form. */
  readonly upper: string;
  /**
   * Host-visible path of the mounted root, for changing it between commands. Never follow links below it: they are the
   * image's.
   */
  readonly root: string;
  /** What commands wrote, as layer entries in path order (folders before their content). */
  changes(): AsyncIterable<Change>;
  /** Kills what runs; memory, mounts and namespaces go with it. */
  close(): Promise<void>;
}

/** What commands did to a root; paths as the archive decoder writes them, without a leading slash. */
export interface Recording {
  /**
   * Paths that were there before and were read, executed, mapped, listed or followed; and those that were changed or
   * removed, which may have been read before.
   */
  readonly reads: ReadonlySet<string>;
  /**
   * Differences to what was there, as layer entries (folders before their content, removals last), never opaque folders.
   */
  readonly changes: readonly Change[];
  /** All paths that were there before. */
  readonly before: ReadonlySet<string>;
  /**
   * Lines of arguments that dpkg-query was called with (`dpkg -l` and its like call it): it reads the whole package
   * database, whatever it is asked. ldconfig's own reads do not count at all: it reads every library.
   */
  readonly queries: readonly string[];
  /** Host-visible path of the root; no path in `reads` leads through a link. */
  readonly root: string;
}

/** One difference to the lower layers. */
export type Change =
  | {
      readonly kind: 'entry';
      readonly header: TarHeader;
      /** Host-visible path of the content, for `file` only; bytes, because names need not be UTF-8. */
      readonly content?: Buffer;
    }
  /** The path is gone. */
  | { readonly kind: 'whiteout'; readonly path: string }
  /** The folder's lower content is gone (its own entry came before). */
  | { readonly kind: 'opaque'; readonly path: string };
