import type { ReadStream, WriteStream } from 'node:tty';
import type { DebugStreams, TerminalSize } from '../runtime/index.ts';

/** Both ends of a terminal, so that what is typed goes to the far side as it is. */
export const isTerminal = (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true;

function sizeOf(stream: WriteStream): TerminalSize {
  return { columns: stream.columns || 80, rows: stream.rows || 24 };
}

/**
 * The streams of this process for a command elsewhere. With `tty` the terminal is raw (Ctrl-C is the far side's), until
 * `restore`.
 * @param stdin false: the command reads an end at once
 */
export function ownStreams(tty: boolean, stdin: boolean): { readonly streams: DebugStreams; restore(): void } {
  const { stdin: input, stdout, stderr } = process;
  const raw = tty && (input as ReadStream).isTTY === true;
  if (raw) (input as ReadStream).setRawMode(true);
  const sizes = (take: (size: TerminalSize) => void): (() => void) => {
    const tell = (): void => take(sizeOf(stdout));
    stdout.on('resize', tell);
    tell();
    return () => void stdout.off('resize', tell);
  };
  return {
    streams: { stdin: stdin ? input : undefined, stdout, stderr, ...(tty ? { sizes } : {}) },
    restore: () => {
      if (raw) (input as ReadStream).setRawMode(false);
      input.pause();
      input.unref?.();
    },
  };
}
