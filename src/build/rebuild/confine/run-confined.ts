import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { rebuildError } from '../errors.ts';
import { createLineReader } from './output.ts';
import { RELAY } from './relay.ts';
import { PROXY_PORT } from './runtime-wrapper.ts';

export interface ConfinedCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Unix socket of the proxy. */
  readonly socket: string;
  /** Seconds. */
  readonly timeout: number;
  /** Bytes that it may print. */
  readonly outputLimit: number;
  onLine(line: string): void;
  /** A name that was looked up, which in there does not exist. */
  onName(name: string): void;
  readonly signal?: AbortSignal;
}

const PERL = '/usr/bin/perl';

/** Own network, processes and mounts: when the first process ends, the kernel ends and unmounts all of it. */
const NAMESPACES = ['--net', '--pid', '--fork', '--kill-child=KILL', '--mount', '--mount-proc'];

/**
 * Runs a builder where the only thing it can reach is the proxy, on 127.0.0.1.
 * @returns its exit code
 * @throws REBUILD_TIMEOUT, REBUILD_OUTPUT_LIMIT, REBUILD_BUILDER_MISSING; the signal's reason
 */
export async function runConfined(command: ConfinedCommand): Promise<number> {
  const { argv, signal } = command;
  signal?.throwIfAborted();
  const own = [...NAMESPACES, PERL, '-e', RELAY, String(PROXY_PORT), command.socket, ...argv];
  const child = spawn('unshare', own, {
    // Held open: when this process dies, however it does, the pipe ends and the build with it.
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: command.env,
    cwd: command.cwd,
  });
  let ended: (() => Error) | undefined;
  const stop = (why: () => Error): void => {
    ended ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(
    () =>
      stop(() =>
        rebuildError('REBUILD_TIMEOUT', `the build took longer than ${command.timeout} s`, {
          hint: 'Allow more with --timeout.',
        }),
      ),
    command.timeout * 1000,
  );
  const aborted = (): void => stop(() => signal?.reason as Error);
  signal?.addEventListener('abort', aborted, { once: true });
  let printed = 0;
  const read = async (stream: Readable, onLine: (line: string) => void): Promise<void> => {
    const reader = createLineReader(onLine);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      printed += chunk.length;
      if (printed > command.outputLimit) {
        stop(() => rebuildError('REBUILD_OUTPUT_LIMIT', `the build printed more than ${command.outputLimit} bytes`));
        return;
      }
      reader.push(chunk);
    }
    reader.end();
  };
  try {
    const code = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const [status] = await Promise.all([
      code,
      ...[child.stdout, child.stderr].map((stream) => read(stream as Readable, command.onLine).catch(() => undefined)),
      read(child.stdio[3] as Readable, command.onName).catch(() => undefined),
    ]);
    if (ended !== undefined) throw ended();
    return status ?? 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw rebuildError('REBUILD_BUILDER_MISSING', 'unshare (util-linux) is not installed', { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
  }
}
