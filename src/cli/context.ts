import type { Home, Log, Progress } from '../base/index.ts';

/** What every command gets: where data, diagnostics and progress go, and which home it works on. */
export interface CliContext {
  readonly home: Home;
  readonly log: Log;
  /** Progress of long steps, drawn on stderr when it is a terminal. */
  readonly progress: Progress;
  /** True when stdout is a terminal: tables may use colour. */
  readonly colour: boolean;
  /** Aborted on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Data for stdout; a line feed is added when missing. */
  print(text: string): void;
  /** Ends progress drawing so that other output starts on a fresh line. */
  settle(): void;
  /** Exit code 1: the command worked and found what `--fail-on` asks about. */
  foundOverThreshold(): void;
  /** Exit code of a command that was run on the user's behalf. */
  endWith(exitCode: number): void;
}

export interface GlobalOptions {
  readonly home?: string;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

export type OutputFormat = 'table' | 'json';
