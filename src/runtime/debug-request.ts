import type { Readable, Writable } from 'node:stream';

/** A container with tools beside one of a workload, in its process and network namespaces. */
export interface DebugRequest {
  /** Copy to look into: name of a container or pod; a running one of the workload when undefined. */
  readonly copy?: string;
  /** Container of a pod; its first one when undefined. */
  readonly container?: string;
  /** Image with the tools, as the runtime can pull it. */
  readonly image: string;
  /** Never empty. */
  readonly command: readonly string[];
  /** One stream for all, with a terminal at the far end; otherwise standard output and error apart. */
  readonly tty: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface DebugStreams {
  /** Undefined: the command reads an end at once. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Called with the size of the terminal now, and after every change; answers how to stop. */
  readonly sizes?: (take: (size: TerminalSize) => void) => () => void;
  /** Told once: the copy that is looked into. */
  readonly begin?: (copy: string) => void;
}
