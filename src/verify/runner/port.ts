import type { Duplex } from 'node:stream';

/** Bytes, processors and processes one container may take; undefined: as many as the engine gives. */
export interface PartLimits {
  readonly memory?: number;
  readonly cpus?: number;
  readonly pids?: number;
}

export interface PartMount {
  readonly path: string;
  readonly readOnly: boolean;
  /** A volume of this run, or a folder of the host. */
  readonly source: { readonly kind: 'volume' | 'host'; readonly name: string };
}

/** One container of a test: the candidate, something it depends on, or a test. */
export interface Part {
  readonly name: string;
  /** Further names it is reached under. */
  readonly aliases: readonly string[];
  readonly image: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workdir?: string;
  readonly ports: readonly number[];
  readonly tmpfs: readonly string[];
  readonly mounts: readonly PartMount[];
  readonly limits: PartLimits;
}

/** `detail` of an end: what killed it, where that is known. */
export type PartState =
  | { readonly kind: 'running' }
  | { readonly kind: 'starting'; readonly detail: string }
  | { readonly kind: 'ended'; readonly exitCode: number; readonly detail: string };

export interface PartOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

/** Why a part did not start: `part` when what was asked for is wrong with it (no such program or user). */
export type StartResult =
  | { readonly kind: 'started' }
  | { readonly kind: 'refused'; readonly blame: 'part' | 'environment'; readonly reason: string };

/** A network without a route outside, and what was started in it. */
export interface TestWorld {
  /** @throws what keeps it from being asked for at all: engine away, image missing */
  start(part: Part, signal: AbortSignal): Promise<StartResult>;
  /** @param fresh as it is now; else as it was a moment ago, where looking costs */
  state(name: string, fresh?: boolean): Promise<PartState>;
  /**
   * A connection to a port of a part.
   * @param sure not before it is known that something listens: no word follows that would tell
   * @throws a system error where nothing listens
   */
  connect(name: string, port: number, signal: AbortSignal, sure?: boolean): Promise<Duplex>;
  /** `host:port` where this host reaches it. */
  address(name: string, port: number): Promise<string>;
  exec(
    name: string,
    command: readonly string[],
    options: { readonly user?: string; readonly keep: number; readonly signal: AbortSignal },
  ): Promise<PartOutput & { readonly exitCode: number }>;
  /** The last bytes it wrote. */
  output(name: string, keep: number): Promise<PartOutput>;
  /** Removes everything; what cannot be removed is left to the reaper. */
  close(): Promise<void>;
}

export interface WorldRequest {
  /** Unique; part of the names of what is made. */
  readonly run: string;
  /** When everything is sure to be over, ms since the epoch. */
  readonly deadline: number;
}

/** Where tests run: podman or Docker, or a cluster. */
export interface TestRunner {
  readonly name: string;
  /** Milliseconds until it is told that a container has ended: nodes of a cluster look about once a second. */
  readonly lag?: number;
  /** Why not, in one line; undefined when it can be used. */
  unavailable(): Promise<string | undefined>;
  /** @param execUsers of steps `exec` @throws VERIFY_TESTS_INVALID what cannot be done there, before anything is started */
  check?(parts: readonly Part[], execUsers: readonly string[]): void;
  open(request: WorldRequest): Promise<TestWorld>;
  /** Removes what killed processes left behind; how many things. */
  reap(): Promise<number>;
}
