import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { sandboxError } from './errors.ts';
import { firstReport, launch, type Report } from './launch.ts';
import type { RunLimits, RunOptions, RunResult } from './types.ts';

export const DEFAULT_LIMITS: RunLimits = {
  timeout: 300_000,
  output: 16 * 1024 * 1024,
  processes: 2048,
  fileSize: 4 * 1024 ** 3,
};

/** All a command sees; anything else it needs is given to `run`. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
};

type Ending = 'timeout' | 'output' | 'aborted';

/** One command in the holder's namespaces; `directory` is the memory file system with the mounted root. */
export async function runInside(
  holder: number,
  directory: string,
  argv: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const environment = Object.entries({ ...ENVIRONMENT, ...options.environment }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const seconds = Math.ceil(limits.timeout / 1000) + 1;
  const child = launch('run', [
    ...[String(holder), directory, options.cwd ?? '/'],
    ...[limits.processes, seconds, limits.fileSize].map(String),
    ...environment,
    '--',
    ...argv,
  ]);
  let ending: Ending | undefined;
  const end = (why: Ending): void => {
    ending ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => end('timeout'), limits.timeout);
  const abort = (): void => end('aborted');
  options.signal?.addEventListener('abort', abort);
  try {
    let bytes = 0;
    const collect = (stream: Readable | null): Buffer[] => {
      const chunks: Buffer[] = [];
      stream?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > limits.output) end('output');
        else chunks.push(chunk);
      });
      return chunks;
    };
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    // A command may end without reading its input.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(typeof options.stdin === 'function' ? options.stdin() : (options.stdin ?? ''));
    const closed = once(child, 'close').catch(() => undefined);
    const report = await firstReport(child);
    await closed;
    if (ending !== undefined) throw ended(ending, argv, limits, options.signal);
    return { ...resultOf(report, argv), stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', abort);
  }
}

function resultOf(report: Report, argv: readonly string[]): { code: number; signal: number | undefined } {
  switch (report.kind) {
    case 'exit':
      return { code: report.code, signal: undefined };
    case 'signal':
      return { code: 128 + report.number, signal: report.number };
    case 'setup':
      throw sandboxError('SANDBOX_FAILED', `cannot run ${argv[0]} in a sandbox: ${report.message}`, {
        hint: 'The image lacks what a command needs to run in it, or was made to do harm; nothing of it ran.',
      });
    default:
      throw sandboxError('SANDBOX_FAILED', `the sandbox ended before it said how ${argv[0]} ended`, {
        hint: 'It may have been killed for want of memory.',
      });
  }
}

function ended(why: Ending, argv: readonly string[], limits: RunLimits, signal: AbortSignal | undefined): unknown {
  if (why === 'aborted') return signal?.reason;
  if (why === 'timeout') {
    return sandboxError('SANDBOX_TIMEOUT', `${argv[0]} ran longer than ${limits.timeout} ms in the sandbox`);
  }
  return sandboxError('SANDBOX_OUTPUT_LIMIT', `${argv[0]} printed more than ${limits.output} bytes in the sandbox`);
}
